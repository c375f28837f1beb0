package httpx

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// InProcess is an http.RoundTripper that calls a handler in this process. It
// lets the one-binary deployment use the same clients, and so the same
// validation, errors and deadlines, as services that talk over a network.
// Bodies stream in both directions.
type InProcess struct{ Handler http.Handler }

// RoundTrip calls the handler and returns when it has written its header.
func (t InProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	in := req.Clone(ctx)
	in.RequestURI, in.RemoteAddr = req.URL.RequestURI(), "in-process"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	body, pipe := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: pipe, began: make(chan struct{})}
	go func() {
		defer cancel()
		defer func() { _ = in.Body.Close() }()
		defer w.finish()
		t.Handler.ServeHTTP(w, in)
	}()
	select {
	case <-w.began:
	case <-req.Context().Done():
		_ = body.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	}
	length := int64(-1)
	if w.status == http.StatusNoContent {
		length = 0
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &pipeBody{PipeReader: body, cancel: cancel}, ContentLength: length, Request: req,
	}, nil
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

type pipeWriter struct {
	header, sent http.Header
	status       int
	once         sync.Once
	began        chan struct{}
	pipe         *io.PipeWriter
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

// finish ends the response; a handler that panicked leaves it cut off.
func (w *pipeWriter) finish() {
	if cause := recover(); cause != nil {
		w.WriteHeader(http.StatusInternalServerError)
		_ = w.pipe.CloseWithError(io.ErrUnexpectedEOF)
		return
	}
	w.WriteHeader(http.StatusOK)
	_ = w.pipe.Close()
}
