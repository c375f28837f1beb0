package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// sayUploaded publishes that the image is ready.
func (s *Service) sayUploaded(ctx context.Context, m contract.Manifest) error {
	err := s.publish(ctx, m.ID, ".uploaded.", contract.TypeImageUploaded, m.CreatedAt, contract.ImageUploaded{Manifest: m})
	if err == nil {
		s.said.note(m.ID)
	}
	return err
}

func (s *Service) sayRejected(ctx context.Context, rejected contract.ImageRejected) error {
	return s.publish(ctx, rejected.ID, ".rejected.", contract.TypeImageRejected, identity.ImageTime(rejected.ID), rejected)
}

// publish says something of an image. The event is the same however often that
// is said, so that every consumer can tell; where something else is said (the
// image has got a film, was processed at last, was made again) it is another
// event: what is said is in its id.
func (s *Service) publish(ctx context.Context, id, verb, typ string, at time.Time, data any) error {
	e, err := contract.New(id+verb, contract.SourceUpload, typ, id, at, data)
	if err != nil {
		return fault.As(fault.Internal, "ingest.publish", err)
	}
	sum := sha256.Sum256(e.Data)
	e.ID += hex.EncodeToString(sum[:8])
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
