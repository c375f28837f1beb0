package httpx

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// TimeoutHeader says how many milliseconds the caller will wait, so that nobody
// works for an answer that is no longer wanted. It is a length of time, since
// the clocks of two machines differ.
const TimeoutHeader = "Sajin-Timeout-Ms"

// MaxTimeout is the most that the header may say. A little more counts as much;
// a number of more digits makes no sense.
const MaxTimeout = time.Hour

// SetTimeout puts what is left of the context's deadline into the header of a
// request to another service; nothing where there is none.
func SetTimeout(ctx context.Context, header http.Header) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return
	}
	left := min(max(time.Until(deadline).Milliseconds(), 0), MaxTimeout.Milliseconds())
	header.Set(TimeoutHeader, strconv.FormatInt(left, 10))
}

// CallerDeadline ends a request's context when its caller stops waiting. It only
// ever shortens what the service itself allows; a header that makes no sense is
// as none. It is for services behind the edge.
func CallerDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left, ok := timeout(r.Header)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), left)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func timeout(header http.Header) (time.Duration, bool) {
	values := header.Values(TimeoutHeader)
	if len(values) != 1 || len(values[0]) > len("3600000") {
		return 0, false
	}
	ms, err := strconv.ParseUint(values[0], 10, 32)
	return min(time.Duration(ms)*time.Millisecond, MaxTimeout), err == nil
}
