package httpx

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// RequestIDHeader carries the id that ties together what one request does in
// every service.
const RequestIDHeader = "X-Request-Id"

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Chain applies middlewares so that the first is the outermost.
func Chain(h http.Handler, all ...Middleware) http.Handler {
	for _, middleware := range slices.Backward(all) {
		h = middleware(h)
	}
	return h
}

// RequestIDs gives every request an id. With trust, one that the caller sent is
// kept if it is 1 to 64 letters, digits, '-' and '_'; at the edge it is not
// trusted.
func RequestIDs(trust bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := r.Header.Get(RequestIDHeader)
			if !trust || !validRequestID(id) {
				id = rand.Text()
			}
			w.Header().Set(RequestIDHeader, id)
			next.ServeHTTP(w, r.WithContext(problem.WithRequestID(r.Context(), id)))
		})
	}
}

func validRequestID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// internalPrefix begins the headers by which services speak to each other.
const internalPrefix = "Sajin-"

// FromOutside takes the headers of services from requests that come from
// elsewhere, so that nothing behind the edge can be led to believe one.
func FromOutside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, internalPrefix) {
				r = r.Clone(r.Context())
				maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, internalPrefix) })
				break
			}
		}
		next.ServeHTTP(w, r)
	})
}

// AccessLog writes one line per request at debug level, or at warn for a
// server error. It logs the path without the query, which may hold secrets. A
// probe that fails comes every second: [Health] writes what changes.
func AccessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		start := time.Now()
		defer func() {
			level := slog.LevelDebug
			if rec.status >= http.StatusInternalServerError && !isProbe(r.URL.Path) {
				level = slog.LevelWarn
			}
			slog.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.EscapedPath(), "status", rec.status,
				"bytes", rec.bytes, "ms", time.Since(start).Milliseconds(), "request_id", problem.RequestID(r.Context()))
		}()
		next.ServeHTTP(rec, r)
		rec.status = rec.answered()
	})
}

// Recover answers a panic as a problem, logs it with its stack, and keeps the
// process alive. A response that has begun is cut off instead, so that it does
// not look whole.
func Recover(next http.Handler) http.Handler { return RecoverWith(problem.Write)(next) }

// RecoverWith is Recover with another way to answer, such as a page.
func RecoverWith(fail func(http.ResponseWriter, *http.Request, error)) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := &recorder{ResponseWriter: w}
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				if aborts(cause) {
					panic(cause)
				}
				logPanic(r.Context(), cause)
				if rec.status != 0 {
					panic(http.ErrAbortHandler)
				}
				fail(w, r, fault.New(fault.Internal, "internal", ""))
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

// aborts reports whether a panic is a handler's way of cutting its response off.
func aborts(cause any) bool {
	err, ok := cause.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

func logPanic(ctx context.Context, cause any) {
	slog.ErrorContext(ctx, "panic", "cause", cause, "stack", string(debug.Stack()), "request_id", problem.RequestID(ctx))
}

// answered is the status, which net/http sets for a handler that wrote nothing.
func (w *recorder) answered() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// recorder notes the status and the bytes of a response.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom keeps sendfile for large downloads.
func (w *recorder) ReadFrom(r io.Reader) (int64, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}

// Unwrap gives http.ResponseController the real writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// IdleBody makes a read of the request's body fail with ErrBodyTimeout when no
// byte arrives for d, however long the whole body takes. What the handler does
// after the body's end is not bounded by it.
func IdleBody(w http.ResponseWriter, r *http.Request, d time.Duration) io.ReadCloser {
	return &idleBody{ReadCloser: r.Body, control: http.NewResponseController(w), idle: d}
}

type idleBody struct {
	io.ReadCloser
	control *http.ResponseController
	idle    time.Duration
	ended   bool
}

func (b *idleBody) Read(p []byte) (int, error) {
	// A writer that knows no deadlines (in-process) has no slow peer either.
	_ = b.control.SetReadDeadline(time.Now().Add(b.idle))
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		// The server goes on reading, to notice a client that leaves; a
		// deadline that passes would look like one.
		b.ended = true
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrBodyTimeout.With("httpx.IdleBody", err)
	}
	return n, err
}

// Close bounds what the server reads to skip the rest of an unfinished body.
func (b *idleBody) Close() error {
	if !b.ended {
		_ = b.control.SetReadDeadline(time.Now().Add(b.idle))
	}
	return b.ReadCloser.Close()
}
