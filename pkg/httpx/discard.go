package httpx

import (
	"net/http"
	"time"
)

// DiscardTimeout bounds how long a connection waits, after the answer, for the
// rest of a body that the handler did not read.
const DiscardTimeout = time.Second

// DiscardWithin bounds that wait. Without it net/http reads what is left of a
// refused body, up to 256 KiB, before it goes on or closes the connection, and a
// client that sends nothing keeps it for ever. It must be the outermost
// middleware; Serve applies it.
func DiscardWithin(d time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				// The server sets its own deadline before the next request.
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(d))
			}()
			next.ServeHTTP(w, r)
		})
	}
}
