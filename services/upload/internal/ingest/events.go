package ingest

import (
	"context"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// sayUploaded publishes that the image is ready. The event is the same however
// often it is said, so that every consumer can tell. What was kept unprocessed
// and then processed is another event, and so is what has got a film.
func (s *Service) sayUploaded(ctx context.Context, m contract.Manifest) error {
	suffix := ".uploaded"
	if unprocessed(m) {
		suffix = ".unprocessed"
	}
	err := s.publish(ctx, m.ID, suffix+live(m), contract.TypeImageUploaded, m.CreatedAt, contract.ImageUploaded{Manifest: m})
	if err == nil {
		s.said.note(m.ID)
	}
	return err
}

func (s *Service) sayRejected(ctx context.Context, rejected contract.ImageRejected) error {
	return s.publish(ctx, rejected.ID, ".rejected", contract.TypeImageRejected, identity.ImageTime(rejected.ID), rejected)
}

func (s *Service) publish(ctx context.Context, id, suffix, typ string, at time.Time, data any) error {
	e, err := contract.New(id+suffix, contract.SourceUpload, typ, id, at, data)
	if err != nil {
		return fault.As(fault.Internal, "ingest.publish", err)
	}
	return fault.Wrap("ingest.publish", s.ports.Events.Publish(ctx, contract.TopicImages, e))
}

// maxRecent bounds the memory of what was said; beyond it, more is repeated.
const maxRecent = 100_000

// recent remembers what was published a short while ago, so that the bucket's
// own notification and the sweep do not repeat every image at once.
type recent struct {
	every time.Duration
	now   func() time.Time
	mu    sync.Mutex
	at    map[string]time.Time
}

func newRecent(every time.Duration, now func() time.Time) *recent {
	return &recent{every: every, now: now, at: map[string]time.Time{}}
}

func (r *recent) note(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.at) >= maxRecent {
		clear(r.at)
	}
	r.at[id] = r.now()
}

// has reports whether id was noted within the period. A clock that jumped back
// makes nothing recent.
func (r *recent) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[id]
	age := r.now().Sub(at)
	if ok && (age < 0 || age >= r.every) {
		delete(r.at, id)
		return false
	}
	return ok
}
