package catalog

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// Outbox is the part of a Store that holds what an Update has decided to say,
// until a relay has said it.
type Outbox interface {
	// Claim returns up to limit events that nobody has claimed and that are not
	// put off beyond now, and claims them until now+lease: first those that never
	// failed, oldest first, then those that have been due for longest. Of
	// the events about one subject only the oldest that is not set aside is
	// returned.
	Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Message, error)
	// Sent removes events from the outbox.
	Sent(ctx context.Context, ids []int64) error
	// Release gives claimed events back that were not tried.
	Release(ctx context.Context, ids []int64) error
	// PutOff notes what failed, and when it is to be tried again, or that it is
	// set aside.
	PutOff(ctx context.Context, failures []Failure) error
	// Readmit puts back into the outbox what was set aside, and says how much that
	// was.
	Readmit(ctx context.Context) (int, error)
	// Backlog says how much is in the outbox.
	Backlog(ctx context.Context) (Backlog, error)
}

// Message is an event in the outbox.
type Message struct {
	ID       int64
	Event    event.Event
	Attempts int       // that failed by its own fault
	FailedAt time.Time // when it last failed; zero for never
	Err      error     // it cannot be read; Event is empty then
}

// Failure is what became of an event that could not be published.
type Failure struct {
	ID       int64
	Attempts int       // that failed by its own fault
	At       time.Time // when it failed
	Until    time.Time // when it is to be tried again, unless it is set aside
	Aside    bool
	Reason   string // of up to MaxDetailBytes
}

// Backlog is what is in the outbox.
type Backlog struct {
	Waiting int       // events that are still to be published
	Oldest  time.Time // when the oldest of them came about; zero for none
	Next    time.Time // when the first of them may be tried; zero for none
	Aside   int       // events that were set aside
	Reason  string    // why the last of those was
}
