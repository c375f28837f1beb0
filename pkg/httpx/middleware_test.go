package httpx_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// deadlineWriter is a response writer that remembers the read deadline.
type deadlineWriter struct {
	http.ResponseWriter
	deadline time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

func TestIdleBodyHasADeadlineUntilTheBodyEnds(t *testing.T) {
	w := &deadlineWriter{ResponseWriter: httptest.NewRecorder()}
	body := httpx.IdleBody(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("abc")), time.Minute)
	if _, err := io.ReadFull(body, make([]byte, 3)); err != nil || w.deadline.IsZero() {
		t.Fatalf("in the middle of the body: deadline %v, error %v; want a deadline", w.deadline, err)
	}
	if _, err := body.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || !w.deadline.IsZero() {
		t.Fatalf("at its end: deadline %v, error %v; want none and EOF", w.deadline, err)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestIdleBodyNamesATimeout(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", failingReader{os.ErrDeadlineExceeded})
	_, err := httpx.IdleBody(httptest.NewRecorder(), r, time.Minute).Read(make([]byte, 1))
	if !errors.Is(err, httpx.ErrBodyTimeout) {
		t.Fatalf("error %v, want ErrBodyTimeout", err)
	}
}

func TestRecoverWithAnswersAPanicItsOwnWay(t *testing.T) {
	var kind fault.Kind = fault.NotFound
	h := httpx.RecoverWith(func(w http.ResponseWriter, _ *http.Request, err error) {
		kind = fault.KindOf(err)
		w.WriteHeader(http.StatusTeapot)
	})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a defect") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusTeapot || kind != fault.Internal {
		t.Fatalf("status %d, kind %v; want 418 and internal", w.Code, kind)
	}
}
