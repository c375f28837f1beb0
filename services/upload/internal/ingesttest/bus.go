package ingesttest

import (
	"context"
	"slices"
	"sync"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
)

// Bus is an event.Publisher that keeps what is published. Safe for concurrent
// use.
type Bus struct {
	Faults *Faults // may be nil

	mu     sync.Mutex
	events []event.Event
}

// Publish implements event.Publisher.
func (b *Bus) Publish(ctx context.Context, _ event.Topic, e event.Event) error {
	return b.Faults.call(ctx, "publish "+e.ID, func(bool) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if ctx.Err() == nil {
			b.events = append(b.events, e)
		}
		return ctx.Err()
	})
}

// Events lists what was published with the given type, in order.
func (b *Bus) Events(typ string) []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.events), func(e event.Event) bool { return e.Type != typ })
}

// Of lists what was published of an image, in order.
func (b *Bus) Of(id string) []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.events), func(e event.Event) bool { return e.Subject != id })
}

// Rejected lists the codes of the rejections, each image once.
func (b *Bus) Rejected() []string {
	seen, out := map[string]bool{}, []string(nil)
	for _, e := range b.Events(contract.TypeImageRejected) {
		rejected, err := contract.Decode[contract.ImageRejected](e, contract.TypeImageRejected)
		if err == nil && !seen[e.ID] {
			out = append(out, rejected.Code)
		}
		seen[e.ID] = true
	}
	return out
}

// Forget drops what was published of an image, where a scenario ends it.
func (b *Bus) Forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = slices.DeleteFunc(b.events, func(e event.Event) bool { return e.Subject == id })
}
