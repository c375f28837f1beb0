// Package problem maps faults to RFC 9457 problem details and back: the one
// table between kinds of error and HTTP statuses.
//
// It shows a client what fault.Public allows and nothing else.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// ContentType is the media type of a problem (RFC 9457, section 6.1).
const ContentType = "application/problem+json"

// StatusClientClosed answers a request whose client has gone; nobody reads it,
// but the log does.
const StatusClientClosed = 499

// typePrefix makes a stable URI from a code. It is an identifier, not an address.
const typePrefix = "https://sajin.invalid/problems/"

// Details is an RFC 9457 problem with Sajin's extension members.
type Details struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail,omitempty"`
	Instance  string        `json:"instance,omitempty"`
	Code      string        `json:"code"` // the stable word for machines
	RequestID string        `json:"request_id,omitempty"`
	Errors    []fault.Field `json:"errors,omitempty"`
}

var statuses = map[fault.Kind]int{
	fault.Internal:            http.StatusInternalServerError,
	fault.Invalid:             http.StatusBadRequest,
	fault.Unauthenticated:     http.StatusUnauthorized,
	fault.Forbidden:           http.StatusForbidden,
	fault.NotFound:            http.StatusNotFound,
	fault.Conflict:            http.StatusConflict,
	fault.Gone:                http.StatusGone,
	fault.TooLarge:            http.StatusRequestEntityTooLarge,
	fault.Unsupported:         http.StatusUnsupportedMediaType,
	fault.Unprocessable:       http.StatusUnprocessableEntity,
	fault.PreconditionFailed:  http.StatusPreconditionFailed,
	fault.RangeNotSatisfiable: http.StatusRequestedRangeNotSatisfiable,
	fault.RateLimited:         http.StatusTooManyRequests,
	fault.Locked:              http.StatusLocked,
	fault.Unavailable:         http.StatusServiceUnavailable,
	fault.Timeout:             http.StatusGatewayTimeout,
	fault.Canceled:            StatusClientClosed,
	fault.OutOfSpace:          http.StatusInsufficientStorage,
}

// Status is the HTTP status of a kind.
func Status(k fault.Kind) int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// kind is the way back, for a client of another service. Statuses that no kind
// maps to, such as 405, are the caller's mistake or the service's.
func kind(status int) fault.Kind {
	for k, s := range statuses {
		if s == status {
			return k
		}
	}
	switch {
	case status == http.StatusRequestTimeout:
		return fault.Timeout
	case status == http.StatusBadGateway:
		return fault.Unavailable
	case status >= 400 && status < 500:
		return fault.Invalid
	default:
		return fault.Internal
	}
}

// defaultDetails are the sentences for errors that bring none.
var defaultDetails = map[fault.Kind]string{
	fault.Internal:    "Something went wrong on our side. The failure has been logged; please try again later.",
	fault.NotFound:    "There is nothing at this address.",
	fault.Unavailable: "The service cannot answer at the moment. Please try again shortly.",
	fault.Timeout:     "The service took too long to answer. Please try again shortly.",
	fault.RateLimited: "Too many requests. Please wait a moment.",
	fault.TooLarge:    "The request is larger than is allowed.",
	fault.OutOfSpace:  "There is no space left to store this. Please free some and try again.",
}

// From describes err for a client. A body that passed http.MaxBytesReader's
// limit is TooLarge, unless a layer that knows more has classified it.
func From(err error) Details {
	var tooLarge *http.MaxBytesError
	if fault.KindOf(err) == fault.Internal && errors.As(err, &tooLarge) {
		err = fault.New(fault.TooLarge, "body_too_large", defaultDetails[fault.TooLarge])
	}
	public := fault.Public(err)
	status := Status(public.Kind)
	title := http.StatusText(status)
	if title == "" {
		title = "Client Closed Request"
	}
	detail := public.Detail
	if detail == "" {
		detail = defaultDetails[public.Kind]
	}
	return Details{
		Type: typePrefix + public.Code, Title: title, Status: status,
		Detail: detail, Code: public.Code, Errors: public.Fields,
	}
}

// Fault is the way back: the error that d described.
func (d Details) Fault() *fault.Error {
	return &fault.Error{Kind: kind(d.Status), Code: d.Code, Detail: d.Detail, Fields: d.Errors}
}

// Write answers r with err as a problem, logs what is our own fault, and gives
// every retryable problem a Retry-After.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	WriteStatus(w, r, err, From(err).Status)
}

// WriteStatus is Write with a status that no kind maps to, such as 405 or 408.
func WriteStatus(w http.ResponseWriter, r *http.Request, err error, status int) {
	d := From(err)
	if status != d.Status {
		d.Status, d.Title = status, http.StatusText(status)
	}
	Log(r.Context(), err, d)
	write(w, r, err, d)
}

// WriteSilently is Write without the log, for an error of which its caller
// writes what is worth it.
func WriteSilently(w http.ResponseWriter, r *http.Request, err error) { write(w, r, err, From(err)) }

func write(w http.ResponseWriter, r *http.Request, err error, d Details) {
	d.Instance, d.RequestID = r.URL.EscapedPath(), RequestID(r.Context())
	body, marshalErr := json.Marshal(d)
	if marshalErr != nil { // cannot happen: Details holds only strings and numbers
		http.Error(w, http.StatusText(d.Status), d.Status)
		return
	}
	header := w.Header()
	for _, name := range ofTheBody {
		header.Del(name)
	}
	header.Set("Content-Type", ContentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	SetRetryAfter(header, err, d.Status)
	w.WriteHeader(d.Status)
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}

// ofTheBody are the headers that a handler may have set for the body it meant to
// send, and that would be wrong for a problem.
var ofTheBody = []string{"Content-Disposition", "Content-Encoding", "Content-Length", "Etag", "Last-Modified"}

// SetRetryAfter gives a retryable status its Retry-After, in seconds with
// jitter, so that clients do not come back all at once.
func SetRetryAfter(header http.Header, err error, status int) {
	switch status {
	case http.StatusRequestTimeout, http.StatusLocked, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage:
	default:
		return
	}
	wait := max(fault.Public(err).Retry, time.Second)
	wait += rand.N(wait)
	header.Set("Retry-After", strconv.Itoa(int(wait.Round(time.Second)/time.Second)))
}

// Log writes down a problem that an operator should see: a defect as an error,
// a dependency's failure as a warning. The client's own mistakes are in the
// access log.
func Log(ctx context.Context, err error, d Details) {
	switch {
	case d.Status == http.StatusInternalServerError:
		slog.ErrorContext(ctx, "request failed", "err", err, "code", d.Code, "request_id", RequestID(ctx))
	case d.Status > http.StatusInternalServerError:
		slog.WarnContext(ctx, "request not served", "err", err, "code", d.Code, "request_id", RequestID(ctx))
	}
}

// Limits on what is believed of another service's answer.
const (
	maxBytes = 64 << 10
	maxRetry = time.Hour
)

// Read turns a response with an error status into the fault it stands for. It
// reads at most 64 KiB and shows nothing of a body that is no problem: that was
// not written by a service of ours but by something in between, whose 404 says
// nothing about an image. Only its refusals for size and rate, and that it waited
// too long, are taken for what they are.
func Read(resp *http.Response) error {
	var d Details
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if mediaType == ContentType && json.NewDecoder(io.LimitReader(resp.Body, maxBytes)).Decode(&d) == nil && d.Code != "" {
		d.Status = resp.StatusCode
		out := d.Fault()
		out.Retry = retryAfter(resp.Header)
		return out
	}
	out := &fault.Error{Kind: fault.Unavailable, Op: "problem.Read", Err: errors.New("answered " + resp.Status + " without a problem")}
	switch resp.StatusCode {
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusGatewayTimeout:
		out.Kind = kind(resp.StatusCode)
	}
	return out
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxRetry/time.Second))) * time.Second
}

type requestIDKey struct{}

// WithRequestID returns a context that carries the id of the request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id of the request of ctx, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
