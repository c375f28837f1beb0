package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// pipeListener gives net.Pipe connections, which live in a synctest bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

const request = "GET / HTTP/1.1\r\nHost: gallery.test\r\n\r\n"

func TestServeLetsRunningRequestsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := newPipeListener()
		begun := make(chan struct{})
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			time.Sleep(httpx.DrainTimeout - time.Second) // of the bubble's time
			_, _ = io.WriteString(w, "done")
		})
		served := make(chan error, 1)
		go func() { served <- httpx.Serve(ctx, l, h) }()
		conn := l.dial()
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, request)
		<-begun
		stop()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "done" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeCutsWhatDoesNotFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged(t)
		ctx, stop := context.WithCancel(t.Context())
		l := newPipeListener()
		begun := make(chan struct{})
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
		})
		served := make(chan error, 1)
		go func() { served <- httpx.Serve(ctx, l, h) }()
		conn := l.dial()
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, request)
		<-begun
		stopped := time.Now()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if took := time.Since(stopped); took != httpx.DrainTimeout {
			t.Errorf("stopped after %v", took)
		}
	})
}

func TestServeClosesAHeaderThatDoesNotArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := newPipeListener()
		served := make(chan error, 1)
		go func() { served <- httpx.Serve(ctx, l, http.NotFoundHandler()) }()
		conn := l.dial()
		start := time.Now()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: ")
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(start); took != httpx.ReadHeaderTimeout {
			t.Errorf("closed after %v", took)
		}
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	l := newPipeListener()
	_ = l.Close()
	if err := httpx.Serve(t.Context(), l, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestListenExplainsAPortThatIsTaken(t *testing.T) {
	l, err := httpx.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = httpx.Listen(t.Context(), l.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "SAJIN_ADDR") || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("%v", err)
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.9.9.9:1": true, "[::1]:8080": true, "localhost:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.168.0.1:80": false,
		"localhost.example:80": false, "127.0.0.1": false, "": false, "gallery.test:80": false,
	} {
		if got := httpx.Loopback(addr); got != want {
			t.Errorf("%q: %v", addr, got)
		}
	}
}
