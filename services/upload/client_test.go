package upload_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/upload/uploadclient"
)

// The client over a real connection: what the body's failure and the service's
// refusal come back as.
func TestClient(t *testing.T) {
	s := newSite(t)
	svc, stop := s.run(func(c *upload.Config, _ *upload.Deps) { c.FileBytes, c.RequestBytes = 1<<20, 1<<20 })
	defer stop()
	server := httptest.NewServer(svc.Handler())
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{ExpectContinueTimeout: 20 * time.Second}
	defer transport.CloseIdleConnections()
	c := uploadclient.New(kitx.Target{Base: base, HTTP: kitx.NoRedirects(transport)})
	contentType, body := formOf([]byte("text"))
	got, err := c.Upload(asAnna(t.Context()), contentType, -1, body)
	if err != nil || len(got.Results) != 1 || got.Results[0].Problem == nil || got.Results[0].Problem.Code != "unsupported_media_type" {
		t.Errorf("nothing stored: %+v, %v", got, err)
	}
	if _, err := c.Upload(t.Context(), contentType, 0, http.NoBody); fault.Public(err).Code != "owner_missing" {
		t.Errorf("without an owner: %v", err)
	}
	if _, err := c.Upload(asAnna(t.Context()), contentType, 1<<20+1, bytes.NewReader(make([]byte, 1<<20+1))); fault.Public(err).Code != "request_too_large" {
		t.Errorf("too large: %v", err)
	}
	cut := io.MultiReader(strings.NewReader("--x\r\n"), brokenPipe{})
	if _, err := c.Upload(asAnna(t.Context()), "multipart/form-data; boundary=x", -1, cut); fault.Public(err).Code != "body_incomplete" {
		t.Errorf("a body that fails: %v", err)
	}
	canceled, cancel := context.WithCancel(asAnna(t.Context()))
	cancel()
	if _, err := c.Upload(canceled, contentType, 0, http.NoBody); fault.KindOf(err) != fault.Canceled {
		t.Errorf("canceled: %v", err)
	}
	server.Close()
	if _, err := c.Upload(asAnna(t.Context()), contentType, 0, http.NoBody); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A service that takes the body and does not answer is given up.
func TestClientWaitsForTheAnswerOnlySoLong(t *testing.T) {
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	base, err := url.Parse("http://upload.invalid")
	if err != nil {
		t.Fatal(err)
	}
	c := uploadclient.New(kitx.Target{Base: base, HTTP: kitx.NoRedirects(httpx.InProcess{Handler: h})}, uploadclient.AnswerWithin(10*time.Millisecond))
	contentType, body := formOf([]byte("text"))
	if _, err := c.Upload(asAnna(t.Context()), contentType, -1, body); fault.KindOf(err) != fault.Timeout {
		t.Errorf("Upload: %v, want a timeout", err)
	}
	// What has no body has sent it. Without an end of the wait this one is the test's.
	ctx, cancel := context.WithTimeout(asAnna(t.Context()), time.Minute)
	defer cancel()
	if err := c.Cancel(ctx, "ABC"); fault.KindOf(err) != fault.Timeout || ctx.Err() != nil {
		t.Errorf("Cancel: %v, want a timeout", err)
	}
	ask := uploadapi.SessionRequest{Session: "ABC", ContentRange: "bytes */10", Body: http.NoBody}
	if _, err := c.Send(ctx, ask); fault.KindOf(err) != fault.Timeout || ctx.Err() != nil {
		t.Errorf("Send: %v, want a timeout", err)
	}
}

// S09: an answer that makes no sense is an outage of the service, is read within
// bounds, and leads nowhere else.
func TestS09_AnswersThatMakeNoSense(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"HTML": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>10.0.0.3</html>") },
		"half": func(w http.ResponseWriter, _ *http.Request) { writeAs(w, `{"results":[{"name":"a`) },
		"a defect": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "10.0.0.3", http.StatusInternalServerError)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"without end": func(w http.ResponseWriter, _ *http.Request) {
			writeAs(w, `{"results":[{"name":"`)
			for chunk := strings.Repeat("a", 1<<20); ; {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		},
	} {
		base, err := url.Parse("http://upload.invalid")
		if err != nil {
			t.Fatal(err)
		}
		c := uploadclient.New(kitx.Target{Base: base, HTTP: kitx.NoRedirects(httpx.InProcess{Handler: h})})
		got, err := c.Upload(asAnna(t.Context()), "multipart/form-data; boundary=x", -1, strings.NewReader("--x--\r\n"))
		if fault.KindOf(err) != fault.Unavailable || len(got.Results) > 0 || strings.Contains(fault.Public(err).Detail, "10.0.0.3") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func writeAs(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, text)
}
