package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// proxy stands before the gallery and does to each request what its fate says.
// It holds bodies in memory: what is sent here is small.
type proxy struct {
	to   *url.URL
	pass *httputil.ReverseProxy
	via  *http.Transport
}

func newProxy(to *url.URL) *proxy {
	via := &http.Transport{MaxIdleConnsPerHost: 64}
	p := &proxy{to: to, via: via}
	p.pass = &httputil.ReverseProxy{
		Transport: via,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to) // and its host: the gallery answers to its own name only
			r.Out.Header.Del(fateHeader)
		},
		// What the gallery did not answer nobody answers.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return p
}

// front is a proxy that listens.
type front struct {
	url    string
	server *http.Server
	proxy  *proxy
}

// listen serves the proxy at a free port of this machine.
func listen(ctx context.Context, p *proxy) (*front, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	f := &front{"http://" + l.Addr().String(), &http.Server{Handler: p, ReadHeaderTimeout: callTimeout}, p}
	go func() { _ = f.server.Serve(l) }() // until close
	return f, nil
}

func (f *front) close() {
	_ = f.server.Close()
	f.proxy.via.CloseIdleConnections()
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	l := parseLot(r.Header.Get(fateHeader))
	switch l.fate {
	case Pass:
	case Delay:
		wait(r.Context(), maxDelay*time.Duration(l.at)/1000)
	case CutBody, Stall:
		p.breakOff(r, body, l)
		panic(http.ErrAbortHandler)
	case CutAnswer:
		p.forward(newVoid(), r, body)
		panic(http.ErrAbortHandler)
	case Twice:
		p.forward(newVoid(), r, body)
	case Both:
		done, twin := make(chan struct{}), r.Clone(r.Context())
		go func() {
			defer close(done)
			p.forward(newVoid(), twin, body)
		}()
		defer func() { <-done }()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.pass.ServeHTTP(w, r)
}

// forward sends the request and keeps its answer in w, whatever becomes of it.
func (p *proxy) forward(w http.ResponseWriter, r *http.Request, body []byte) {
	defer func() {
		if broken := recover(); broken != nil && broken != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			panic(broken)
		}
	}()
	again := r.Clone(context.WithoutCancel(r.Context())) // it was sent: it arrives whoever waits
	again.Body = io.NopCloser(bytes.NewReader(body))
	p.pass.ServeHTTP(w, again)
}

// breakOff sends a part of the body and then closes the connection, at once or
// after a while in which nothing comes.
func (p *proxy) breakOff(r *http.Request, body []byte, l lot) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2*stallTime)
	defer cancel()
	out, err := http.NewRequestWithContext(ctx, r.Method, p.to.JoinPath(r.URL.Path).String(), //nolint:gosec // G704: only the path is the client's
		&broken{rest: body[:len(body)*l.at/1000], stall: l.fate == Stall, ctx: ctx})
	if err != nil {
		return
	}
	out.Header = r.Header.Clone()
	out.Header.Del(fateHeader)
	out.ContentLength = r.ContentLength
	if len(body) == 0 {
		out.Body = nil
	}
	resp, err := p.via.RoundTrip(out)
	if err == nil { // it needed no body
		_ = resp.Body.Close()
	}
}

// broken is a body that ends in the middle.
type broken struct {
	rest  []byte
	stall bool
	ctx   context.Context //nolint:containedctx // of the one request that reads it
}

var errBroken = errors.New("chaos: the connection broke")

func (b *broken) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		if b.stall {
			wait(b.ctx, stallTime)
		}
		return 0, errBroken
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// wait is a pause that ends with ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// void takes an answer that nobody hears.
type void struct{ header http.Header }

func newVoid() *void { return &void{http.Header{}} }

func (v *void) Header() http.Header         { return v.header }
func (v *void) Write(p []byte) (int, error) { return len(p), nil }
func (v *void) WriteHeader(int)             {}
