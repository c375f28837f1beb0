package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wireTimeout bounds a raw exchange.
const wireTimeout = 30 * time.Second

// wire is a connection that speaks HTTP by hand.
type wire struct {
	*net.TCPConn
	t      *testing.T
	answer *bufio.Reader
}

func (v *victim) dial(t *testing.T) *wire {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", v.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(wireTimeout))
	return &wire{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

func (v *victim) host() string { return strings.TrimPrefix(v.base, "http://") }

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// reply reads one answer; it must not be "100 Continue".
func (w *wire) reply(method string) response {
	w.t.Helper()
	resp, err := http.ReadResponse(w.answer, &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, body}
}

// closed holds the server to have closed the connection.
func (w *wire) closed() {
	w.t.Helper()
	n, err := io.Copy(io.Discard, w.answer)
	if timeout, ok := err.(net.Error); n > 0 || ok && timeout.Timeout() { //nolint:errorlint // net.Conn's own
		w.t.Errorf("the connection is still open: %d bytes, %v", n, err)
	}
}

// exchange sends one request with no body, as it is, and reads the answer.
func (v *victim) exchange(t *testing.T, method, target string, lines ...string) response {
	t.Helper()
	w := v.dial(t)
	w.send(method + " " + target + " HTTP/1.1\r\n" + strings.Join(append(lines, "Host: "+v.host()), "\r\n") + "\r\nConnection: close\r\n\r\n")
	return w.reply(method)
}

// posting is the head of an upload by hand.
func (v *victim) posting(lines ...string) string {
	return "POST /api/v1/images HTTP/1.1\r\nHost: " + v.host() + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

const typeLine = "Content-Type: " + frontierType

func lengthLine(n int) string { return fmt.Sprint("Content-Length: ", n) }
