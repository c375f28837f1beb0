package process_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// service answers a request when it is released, and says when its background
// work was asked to end.
type service struct {
	arrived  chan struct{} // a request is being handled
	release  chan struct{} // lets it go on
	stopping chan struct{} // closed by Run
	run      error
}

func newService() *service {
	return &service{arrived: make(chan struct{}), release: make(chan struct{}), stopping: make(chan struct{})}
}

func (s *service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.arrived <- struct{}{}
		<-s.release
		_, _ = io.WriteString(w, "whole")
	})
}

func (s *service) Run(ctx context.Context) error {
	if s.run != nil {
		return s.run
	}
	<-ctx.Done()
	close(s.stopping)
	return nil
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// get sends the answer's text, or the error's, when it is there.
func get(t *testing.T, addr string) <-chan string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan string, 1)
	go func() {
		resp, err := client.Do(req)
		if err != nil {
			out <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			text = []byte(err.Error())
		}
		out <- string(text)
	}()
	return out
}

func TestServeLetsRunningRequestsFinish(t *testing.T) {
	s, l := newService(), listen(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- process.Serve(ctx, l, s) }()
	answer := get(t, l.Addr().String())
	<-s.arrived
	stop()
	<-s.stopping // the background work ends while the request is still running
	select {
	case err := <-done:
		t.Fatalf("Serve did not wait for the request: %v", err)
	default:
	}
	close(s.release)
	if text := <-answer; text != "whole" {
		t.Errorf("the running request got %q", text)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeEndsWithItsBackgroundWork(t *testing.T) {
	s := newService()
	s.run = errors.New("the bus ended the subscription")
	if err := process.Serve(t.Context(), listen(t), s); !errors.Is(err, s.run) {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeEndsWithItsListener(t *testing.T) {
	s, l := newService(), listen(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := process.Serve(t.Context(), l, s); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	<-s.stopping
}

func TestAPortThatIsTakenIsExplained(t *testing.T) {
	taken := listen(t).Addr().String()
	err := process.ListenAndServe(t.Context(), &config.Common{Addr: taken}, newService())
	if err == nil || !strings.Contains(err.Error(), taken) || !strings.Contains(err.Error(), "SAJIN_ADDR") {
		t.Errorf("ListenAndServe: %v", err)
	}
}
