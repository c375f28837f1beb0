package catalogtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Clock is a clock that tests move.
type Clock struct{ ahead atomic.Int64 }

// Now is the real time, and what was added.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// Bus is an event.Bus in memory that keeps what is published to
// contract.TopicPurges. Nothing is received from it.
type Bus struct {
	mu       sync.Mutex
	down     bool
	refused  map[string]error // by image
	attempts int
	tried    map[string]int // by image
	purged   map[string]int // by image
	stays    map[string]string
	grown    chan struct{}
}

// NewBus makes an empty bus.
func NewBus() *Bus {
	return &Bus{refused: map[string]error{}, tried: map[string]int{}, purged: map[string]int{}, stays: map[string]string{}, grown: make(chan struct{})}
}

var errDown = fault.New(fault.Unavailable, "bus_down", "The bus is down.")

// ErrHangs has Publish give no answer, until its time is over.
var ErrHangs = errors.New("the bus does not answer")

// Publish keeps the event.
func (b *Bus) Publish(ctx context.Context, topic event.Topic, e event.Event) error {
	err := b.publish(topic, e)
	if errors.Is(err, ErrHangs) {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (b *Bus) publish(topic event.Topic, e event.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts++
	b.tried[e.Subject]++
	defer func() { close(b.grown); b.grown = make(chan struct{}) }()
	if b.down {
		return errDown
	}
	if err := b.refused[e.Subject]; err != nil {
		return err
	}
	p, err := contract.Decode[contract.ImagePurged](e, contract.TypeImagePurged)
	if err != nil || topic != contract.TopicPurges || e.Subject != p.ID {
		return errors.Join(errors.New("not a purge as it should be"), err)
	}
	b.purged[p.ID+" "+p.Key]++
	b.stays[p.ID] = p.DuplicateOf
	return nil
}

// SetDown makes every Publish fail, or work again.
func (b *Bus) SetDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// Refuse has Publish fail for what is about an image, until err is nil.
func (b *Bus) Refuse(id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[id] = err
}

// Tried counts how often somebody tried to publish something about an image.
func (b *Bus) Tried(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tried[id]
}

// AwaitAttempt waits until Publish has been called.
func (b *Bus) AwaitAttempt(ctx context.Context) error {
	return b.await(ctx, func() bool { return b.attempts > 0 })
}

// AwaitPurge waits until the purge of an image and its file has been published
// at least n times.
func (b *Bus) AwaitPurge(ctx context.Context, id, key string, n int) error {
	return b.await(ctx, func() bool { return b.purged[id+" "+key] >= n })
}

// Stays is the image that the last purge of another named as staying in its
// place; "" for none.
func (b *Bus) Stays(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stays[id]
}

// await waits until the condition, which is looked at under the lock, holds.
func (b *Bus) await(ctx context.Context, condition func() bool) error {
	for {
		b.mu.Lock()
		grown, ok := b.grown, condition()
		b.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Purges counts how often the purge of an image was published, whatever the
// file.
func (b *Bus) Purges(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for key, times := range b.purged {
		if strings.HasPrefix(key, id+" ") {
			n += times
		}
	}
	return n
}

// Receive waits for the end.
func (b *Bus) Receive(ctx context.Context, _ event.Subscription, _ event.Handler) error {
	<-ctx.Done()
	return nil
}

// Ensure does nothing.
func (b *Bus) Ensure(context.Context, event.Subscription) error { return nil }
