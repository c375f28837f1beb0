package httpx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// A client that announces a body and sends none does not keep its connection.
func TestServeDoesNotWaitForRefusedBodies(t *testing.T) {
	l, err := httpx.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- httpx.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	}()
	defer func() { stop(); <-served }()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * httpx.DiscardTimeout))
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, bufio.NewReader(conn))
}

// wantRefusal reads the refusal and the connection's regular end.
func wantRefusal(t *testing.T, r *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusTeapot {
		t.Fatalf("answered %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection is still open: %v", err)
	}
}

// A client that asked before it sent, and is refused in the middle of the body,
// gets the refusal: net/http alone closes the connection under it, and the reset
// takes the answer along.
func TestRefusalInTheMiddleOfAnExpectedBodyArrives(t *testing.T) {
	l, err := httpx.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- httpx.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 1))
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusTeapot)
		}))
	}()
	defer func() { stop(); <-served }()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * httpx.DiscardTimeout))
	if tcp, ok := conn.(*net.TCPConn); !ok || tcp.SetWriteBuffer(64<<10) != nil {
		t.Fatal("the kernel may take the whole body")
	}
	const size = 4 << 20
	if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	if interim, err := http.ReadResponse(r, nil); err != nil || interim.StatusCode != http.StatusContinue {
		t.Fatalf("answered %v, %v", interim, err)
	}
	if _, err := conn.Write(make([]byte, size)); err != nil { // reads nothing before it has sent everything
		t.Errorf("the body was cut off: %v", err)
	}
	wantRefusal(t, r)
}

// A client that takes its time to read an answer has not left: its connection
// serves what it asks for next.
func TestASlowReaderIsServedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, conn := net.Pipe() // which holds nothing back for the reader
		listener := &single{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		listener.conn <- conn
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: httpx.DiscardWithin(httpx.DiscardTimeout)(http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = fmt.Fprint(w, r.Context().Err())
			},
		))}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		r := bufio.NewReader(client)
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			if _, err := io.WriteString(client, request); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * httpx.DiscardTimeout)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(resp.Body); string(got) != "<nil>" || err != nil {
				t.Errorf("the request of %q has ended with %q, %v", request, got, err)
			}
		}
		_ = client.Close()
		_ = server.Close()
		<-served
	})
}

// single listens for one connection, which is there already.
type single struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (s *single) Accept() (net.Conn, error) {
	select {
	case c := <-s.conn:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *single) Close() error   { close(s.closed); return nil }
func (s *single) Addr() net.Addr { return &net.TCPAddr{} }
