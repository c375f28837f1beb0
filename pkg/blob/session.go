package blob

import (
	"context"
	"time"
)

// SessionOptions say what a session will take.
type SessionOptions struct {
	WriteOptions
	// Origin is scheme, host and port of the page that will send the bytes, so
	// that its browser lets it; "" where no browser sends them.
	Origin string
}

// Session is an address that takes one object in pieces. Whoever knows it may
// send, so it is a secret.
type Session struct {
	URL       string
	ExpiresAt time.Time // not later than the store's own end of it
}

// SessionOpener opens sessions that the store itself serves, by the protocol of
// Cloud Storage's resumable uploads: the bytes pass none of our services. What
// it keeps until the last byte has come is out of sight of the Store. Safe for
// concurrent use.
// https://cloud.google.com/storage/docs/performing-resumable-uploads
type SessionOpener interface {
	// OpenSession makes a session for the object that key will be. The size must
	// be given: the session takes no more. Where the key is taken when the last
	// byte arrives, the sender is refused (412) and the object stays as it is. A
	// session that nobody uses costs nothing and ends by itself. What may pass is
	// tried again; what does not is ErrUnavailable.
	OpenSession(ctx context.Context, key string, opts SessionOptions) (Session, error)
	// SessionOrigin is scheme, host and port of every session's address.
	SessionOrigin() string
}

// CheckSession accepts a key and options that a session can be opened for.
// Adapters call it first in OpenSession.
func CheckSession(key string, opts SessionOptions) error {
	if opts.Size <= 0 || !isHeaderText(opts.Origin) {
		return ErrOptions
	}
	return CheckWrite(key, opts.WriteOptions)
}
