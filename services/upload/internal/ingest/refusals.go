package ingest

import "sync"

// maxRefusals bounds the memory of refusals; beyond it, the oldest and the
// newest are forgotten alike.
const maxRefusals = 10_000

// refusals remember why images were refused. The upload and the bucket's event
// both process an image; when the event was first the original is gone, and the
// client that waits for the upload is still to hear why.
type refusals struct {
	mu      sync.Mutex
	reasons map[string]error
}

func (r *refusals) note(id string, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reasons) >= maxRefusals {
		clear(r.reasons)
	}
	r.reasons[id] = reason
}

// reason is nil when id was not refused, or it was forgotten.
func (r *refusals) reason(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reasons[id]
}
