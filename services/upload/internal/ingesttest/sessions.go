package ingesttest

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Sessions is a blob.SessionOpener over a Bucket: how the bytes come is not its
// business, only that an object comes of a session at its end. Safe for
// concurrent use.
type Sessions struct {
	Bucket *Bucket

	mu   sync.Mutex
	open map[string]Opened // by URL
}

// Opened is a session that was opened.
type Opened struct {
	Key     string
	Options blob.SessionOptions
}

const sessionOrigin = "https://bucket.example"

// SessionOrigin implements blob.SessionOpener.
func (s *Sessions) SessionOrigin() string { return sessionOrigin }

// OpenSession implements blob.SessionOpener.
func (s *Sessions) OpenSession(ctx context.Context, key string, opts blob.SessionOptions) (out blob.Session, err error) {
	if err := blob.CheckSession(key, opts); err != nil {
		return out, err
	}
	err = s.Bucket.Faults.call(ctx, "open session "+key, func(bool) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		out = blob.Session{URL: sessionOrigin + "/" + rand.Text(), ExpiresAt: s.Bucket.Now().Add(7 * 24 * time.Hour)}
		if s.open == nil {
			s.open = map[string]Opened{}
		}
		s.open[out.URL] = Opened{key, opts}
		return nil
	})
	return out, err
}

// Opened is what the session at url was opened for.
func (s *Sessions) Opened(url string) Opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[url]
}

// Finish makes the object of a session, whatever the data: what a store checks of
// it is not relied on. It never fails by Faults, since it is a client's doing; the
// error is blob.ErrExists where the object is there.
func (s *Sessions) Finish(url string, data []byte) error {
	o := s.Opened(url)
	_, err := s.Bucket.keep(o.Key, data, o.Options.WriteOptions)
	return err
}
