package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// InProcess is an http.RoundTripper that calls a handler in this process. It
// lets the one-binary deployment use the same clients, and so the same
// validation, errors and deadlines, as services that talk over a network.
//
// Bodies stream in both directions. As over a network, a response that its
// handler did not finish is cut off for the reader, and ending the request's
// context ends both bodies. A handler that panics before it answers is an error
// of RoundTrip. There are no trailers, no informational responses, and no
// deadlines to set through http.ResponseController.
type InProcess struct{ Handler http.Handler }

// errAborted is what a caller sees of a handler that panicked before it answered.
var errAborted = errors.New("httpx: the handler gave up")

// RoundTrip calls the handler and returns when it has written its header.
func (t InProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	in := inbound(ctx, req)
	body, w := newPipeWriter(req.Method)
	stop := context.AfterFunc(ctx, func() {
		_ = w.pipe.CloseWithError(ctx.Err())
		_ = in.Body.Close() // unblocks a handler that reads it
	})
	go func() {
		defer cancel()
		defer func() { _ = in.Body.Close() }()
		defer stop()
		defer w.finish(ctx)
		t.Handler.ServeHTTP(w, in)
	}()
	select {
	case <-w.began:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if w.status == 0 {
		return nil, errAborted
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent,
		Body: &pipeBody{PipeReader: body, cancel: cancel}, ContentLength: w.length, Request: req,
	}, nil
}

// inbound makes of a client's request what a server would see of it.
func inbound(ctx context.Context, req *http.Request) *http.Request {
	in := req.Clone(ctx)
	in.RequestURI, in.RemoteAddr = req.URL.RequestURI(), "in-process"
	in.URL.Scheme, in.URL.Host = "", ""
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	switch {
	case in.Body == nil:
		in.Body = http.NoBody
	case in.ContentLength == 0 && in.Body != http.NoBody:
		in.ContentLength = -1 // a client's 0 means that it does not know
	}
	return in
}

// pipeBody ends the handler's context when the caller has had enough.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *pipeBody) Close() error {
	err := b.PipeReader.Close()
	b.cancel()
	return err
}

// pipeWriter is the handler's side. The fields after began are written before
// it is closed and read after; a status of 0 then says that no answer comes.
type pipeWriter struct {
	header  http.Header
	pipe    *io.PipeWriter
	written int64
	noBody  bool // of a HEAD request's answer
	once    sync.Once
	began   chan struct{}
	sent    http.Header
	status  int
	length  int64 // -1 when it was not declared
}

func newPipeWriter(method string) (*io.PipeReader, *pipeWriter) {
	body, pipe := io.Pipe()
	return body, &pipeWriter{header: http.Header{}, pipe: pipe, noBody: method == http.MethodHead, began: make(chan struct{})}
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	w.once.Do(func() {
		w.status, w.sent, w.length = status, w.header.Clone(), -1
		if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
			w.length = n
		}
		if w.bodiless() {
			w.length = 0
		}
		close(w.began)
	})
}

// bodiless reports whether the status forbids a body (RFC 9110, section 6.4.1).
func (w *pipeWriter) bodiless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	switch {
	case w.bodiless():
		return 0, http.ErrBodyNotAllowed
	case w.noBody:
		return len(p), nil
	}
	n, err := w.pipe.Write(p)
	w.written += int64(n)
	return n, err
}

func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

// finish ends the response. One that a panic or the caller ended, or that is
// shorter than it was declared, is cut off.
func (w *pipeWriter) finish(ctx context.Context) {
	if cause := recover(); cause != nil {
		if !aborts(cause) {
			logPanic(ctx, cause)
		}
		w.once.Do(func() { close(w.began) })
		_ = w.pipe.CloseWithError(io.ErrUnexpectedEOF)
		return
	}
	w.WriteHeader(http.StatusOK)
	err := ctx.Err() // nil closes the pipe with io.EOF
	if err == nil && !w.noBody && w.written < w.length {
		err = io.ErrUnexpectedEOF
	}
	_ = w.pipe.CloseWithError(err)
}
