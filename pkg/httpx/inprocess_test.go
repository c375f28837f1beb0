package httpx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// call sends a request to h within the process.
func call(t *testing.T, ctx context.Context, h http.HandlerFunc, method string, body io.Reader) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://upload.internal/v1/images?x=1", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: httpx.InProcess{Handler: h}}).Do(r)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestInProcessAnswersLikeAServer(t *testing.T) {
	resp, err := call(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.Host+" "+r.RequestURI+" "+r.URL.String())
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "made")
	}, "POST", nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if string(body) != "made" || err != nil || resp.StatusCode != 201 || resp.Status != "201 Created" || resp.ContentLength != -1 {
		t.Errorf("%q %v %+v", body, err, resp)
	}
	if got := resp.Header.Get("X-Seen"); got != "POST upload.internal /v1/images?x=1 /v1/images?x=1" {
		t.Errorf("the handler saw %q", got)
	}
	if resp.Header.Get("X-Late") != "" {
		t.Error("a header that was set after the status arrived")
	}
}

func TestInProcessBodiesThatAServerWouldNotSend(t *testing.T) {
	cases := []struct {
		method string
		status int
		length int64
		err    error
	}{
		{"GET", 200, 4, nil},
		{"HEAD", 200, 4, nil},
		{"GET", 204, 0, http.ErrBodyNotAllowed},
		{"GET", 304, 0, http.ErrBodyNotAllowed},
	}
	for _, c := range cases {
		resp, err := call(t, t.Context(), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4")
			w.WriteHeader(c.status)
			if _, err := io.WriteString(w, "four"); !errors.Is(err, c.err) {
				t.Errorf("%s %d: write: %v", c.method, c.status, err)
			}
		}, c.method, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if c.method == "GET" && c.err == nil {
			want = "four"
		}
		body, err := io.ReadAll(resp.Body)
		if string(body) != want || err != nil || resp.ContentLength != c.length {
			t.Errorf("%s %d: %q %v, length %d", c.method, c.status, body, err, resp.ContentLength)
		}
	}
}

func TestInProcessRequestBodies(t *testing.T) {
	sized, unsized := strings.NewReader("12345"), struct{ io.Reader }{strings.NewReader("12345")}
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		want   string
	}{"none": {nil, 0, ""}, "sized": {sized, 5, "12345"}, "of unknown size": {unsized, -1, "12345"}} {
		_, err := call(t, t.Context(), func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if string(body) != c.want || err != nil || r.ContentLength != c.length {
				t.Errorf("%s: %q %v, length %d", name, body, err, r.ContentLength)
			}
		}, "POST", c.body)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Neither side waits for the whole of the other's body.
func TestInProcessStreamsBothWays(t *testing.T) {
	up, feed := io.Pipe()
	resp, err := call(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, r.Body)
	}, "POST", up)
	if err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, 4)
	for _, text := range []string{"ping", "pong"} {
		if _, err := io.WriteString(feed, text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, echo); err != nil || string(echo) != text {
			t.Fatalf("%q %v", echo, err)
		}
	}
	_ = feed.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

func TestInProcessCutsWhatItsHandlerDidNotFinish(t *testing.T) {
	cases := map[string]struct {
		handler http.HandlerFunc
		logged  string
	}{
		"a panic": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("lost") }, "lost"},
		"an abort": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}, ""},
		"less than was due": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "half")
		}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			log := logged(t)
			resp, err := call(t, t.Context(), c.handler, "GET", nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); string(body) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("read %q, %v", body, err)
			}
			if got := log.String(); (c.logged == "") != (got == "") || !strings.Contains(got, c.logged) {
				t.Errorf("logged %q", got)
			}
		})
	}
}

func TestInProcessPanicBeforeTheAnswerIsAnError(t *testing.T) {
	log := logged(t)
	resp, err := call(t, t.Context(), func(http.ResponseWriter, *http.Request) { panic("lost") }, "GET", nil)
	if err == nil {
		t.Errorf("answered %v", resp.Status)
	} else if strings.Contains(err.Error(), "lost") {
		t.Errorf("the caller is told %v", err)
	}
	if !strings.Contains(log.String(), "lost") {
		t.Errorf("logged %q", log)
	}
}

func TestInProcessDeadlineBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := call(t, ctx, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "GET", nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Who gives up while the answer arrives does not take its end for the whole.
func TestInProcessDeadlineWithinTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := call(t, ctx, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "half")
			<-r.Context().Done()
		}, "GET", nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "half" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("read %q, %v", body, err)
		}
	})
}

func TestInProcessCloseEndsTheHandler(t *testing.T) {
	handlers := map[string]func(http.ResponseWriter, *http.Request) error{
		"that waits":  func(_ http.ResponseWriter, r *http.Request) error { <-r.Context().Done(); return r.Context().Err() },
		"that writes": func(w http.ResponseWriter, _ *http.Request) error { _, err := io.Copy(w, endless{}); return err },
		"that reads":  func(_ http.ResponseWriter, r *http.Request) error { _, err := io.Copy(io.Discard, r.Body); return err },
	}
	for name, handler := range handlers {
		t.Run(name, func(t *testing.T) {
			never, feed := io.Pipe()
			defer func() { _ = feed.Close() }()
			ended := make(chan error, 1)
			resp, err := call(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusOK)
				ended <- handler(w, r)
			}, "POST", never)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			select {
			case err := <-ended:
				if err == nil {
					t.Error("the handler noticed nothing")
				}
			case <-time.After(time.Minute):
				t.Fatal("the handler goes on")
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestInProcessTakesAnIdleBody(t *testing.T) {
	resp, err := call(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, httpx.IdleBody(w, r, time.Nanosecond))
	}, "POST", strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); string(body) != "a body" || err != nil {
		t.Errorf("%q %v", body, err)
	}
}
