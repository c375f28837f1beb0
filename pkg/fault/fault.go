// Package fault is Sajin's one error type: what kind of thing went wrong, in
// which operation, why, and what a person can do about it.
//
// Every layer returns errors; a layer that knows what an error means for the
// caller gives it a [Kind] and a stable code, and every edge (HTTP, events)
// decides by that kind alone. The package knows no transport: the mapping to
// HTTP statuses lives in httpx, the mapping to ack and nack in event.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error by what the caller can do about it.
type Kind uint8

// The kinds. [Kind.Retryable] tells which may be tried again unchanged; every
// other kind needs a different request or an operator.
const (
	// Internal is a defect or an unforeseen failure; the zero value, so that an
	// error nobody classified is never shown to a client.
	Internal Kind = iota
	// Invalid is a malformed request: its syntax, a parameter, a header.
	Invalid
	// Unauthenticated: who is asking is not known.
	Unauthenticated
	// Forbidden: who is asking is known (or is a foreign page) and may not.
	Forbidden
	// NotFound also answers for what exists but belongs to somebody else.
	NotFound
	// Conflict: the state of the resource forbids it.
	Conflict
	// Gone: it was there and will not come back.
	Gone
	// TooLarge: more bytes, files or parts than the documented limit.
	TooLarge
	// Unsupported: a media type that Sajin does not take.
	Unsupported
	// Unprocessable: understood, and wrong: a broken image, a failed checksum.
	Unprocessable
	// PreconditionFailed: an If-Match or if-not-exists condition did not hold.
	PreconditionFailed
	// RangeNotSatisfiable: the bytes asked for are beyond the end.
	RangeNotSatisfiable
	// RateLimited: too many requests.
	RateLimited
	// Locked: somebody else is working on it at this moment.
	Locked
	// Unavailable: a dependency is down or the service is shedding load.
	Unavailable
	// Timeout: a deadline of ours passed.
	Timeout
	// Canceled: the caller went away.
	Canceled
	// OutOfSpace: the disk or the quota is full, until somebody frees some.
	OutOfSpace
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", Unauthenticated: "unauthenticated",
	Forbidden: "forbidden", NotFound: "not_found", Conflict: "conflict", Gone: "gone",
	TooLarge: "too_large", Unsupported: "unsupported", Unprocessable: "unprocessable",
	PreconditionFailed: "precondition_failed", RangeNotSatisfiable: "range_not_satisfiable",
	RateLimited: "rate_limited", Locked: "locked", Unavailable: "unavailable",
	Timeout: "timeout", Canceled: "canceled", OutOfSpace: "out_of_space",
}

// String is the kind's name, also the code of an error that has none of its own.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// Kinds lists every kind, for tables that must be complete.
func Kinds() []Kind {
	out := make([]Kind, len(kindNames))
	for i := range kindNames {
		out[i] = Kind(i)
	}
	return out
}

// Retryable reports whether the same request may succeed later.
func (k Kind) Retryable() bool {
	switch k {
	case Unavailable, Timeout, RateLimited, Locked, OutOfSpace, Canceled:
		return true
	default:
		return false
	}
}

// Error is a classified error. Code and Detail are for the client and must
// hold nothing internal; Op and Err are for the log.
type Error struct {
	Kind   Kind
	Op     string        // where, as package.Verb
	Code   string        // stable machine word; empty means Kind.String()
	Detail string        // a sentence for the person: what happened, what to do
	Retry  time.Duration // when to try again, for retryable kinds; 0 leaves it to the edge
	Fields []Field       // which parts of the request are wrong
	Err    error         // the cause; never shown to a client
}

// Field is one wrong part of a request. Exactly one of Parameter, Pointer
// (RFC 6901) and File says where.
type Field struct {
	Parameter string `json:"parameter,omitempty"`
	Pointer   string `json:"pointer,omitempty"`
	File      string `json:"file,omitempty"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
}

// New makes an error with a code and a sentence for the client.
func New(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// Newf is New with a formatted sentence. The arguments must be fit for a client.
func Newf(kind Kind, code, format string, args ...any) *Error {
	return New(kind, code, fmt.Sprintf(format, args...))
}

// Wrap adds the operation to err and keeps its classification. A nil err gives
// nil; contexts' errors become Canceled and Timeout.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Op: op, Err: err}
}

// As classifies err as kind, with op for the log. A nil err gives nil.
func As(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// Parameter is the error for one wrong query or path parameter.
func Parameter(name, detail string) *Error {
	return &Error{
		Kind: Invalid, Code: "validation_failed", Detail: detail,
		Fields: []Field{{Parameter: name, Code: "invalid", Detail: detail}},
	}
}

// With returns a copy of e that carries a cause for the log.
func (e *Error) With(op string, cause error) *Error {
	out := *e
	out.Op, out.Err = op, cause
	return &out
}

// RetryAfter returns a copy of e that says when to try again.
func (e *Error) RetryAfter(d time.Duration) *Error {
	out := *e
	out.Retry = d
	return &out
}

// Error is for logs: operation, sentence or code, and cause.
func (e *Error) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Code
	}
	switch {
	case e.Err == nil && text == "":
		text = e.Kind.String()
	case e.Err != nil && text == "":
		text = e.Err.Error()
	case e.Err != nil:
		text += ": " + e.Err.Error()
	}
	if e.Op == "" {
		return text
	}
	return e.Op + ": " + text
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Is makes two faults equal when kind and code agree, so that a package can
// export a fault as a sentinel.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code != "" && other.Kind == e.Kind && other.Code == e.Code
}

// KindOf is the kind of the outermost classified error in err's chain.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	default:
		return Internal
	}
}

// Public is what a client may see of err: the outermost code, sentence, fields
// and retry time found in its chain. An Internal error shows nothing, and what
// lies behind an error that was classified anew is its cause: "There is no such
// object" is no explanation of a failure that is our own.
func Public(err error) Error {
	out := Error{Kind: KindOf(err)}
	var e *Error
	for out.Kind != Internal && errors.As(err, &e) && e.Kind == out.Kind {
		if out.Code == "" && e.Code != "" {
			out.Code, out.Detail, out.Fields = e.Code, e.Detail, e.Fields
		}
		if out.Retry == 0 {
			out.Retry = e.Retry
		}
		err = e.Err
	}
	if out.Code == "" {
		out.Code = out.Kind.String()
	}
	return out
}
