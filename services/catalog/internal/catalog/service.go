package catalog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// ErrOwner answers a request that does not say who acts.
var ErrOwner = fault.New(fault.Invalid, "owner_missing", "The request does not say for whom it acts.")

// Service is the catalog's use cases. The owner acts through the context
// (identity.WithOwner), and sees and changes what is theirs only: everything
// else is ErrNotFound. It is safe for concurrent use.
type Service struct {
	store  Store
	bus    event.Publisher
	now    func() time.Time
	log    *slog.Logger
	feed   bell // by owner: the owner's feed has grown
	outbox bell // "": the outbox has grown
	key    struct {
		sync.Mutex
		cursors *cursors
	}
	stopping chan struct{}
	stop     func()
}

// New makes the service. bus is where the outbox goes; now is the clock.
func New(store Store, bus event.Publisher, now func() time.Time, log *slog.Logger) *Service {
	s := &Service{store: store, bus: bus, now: now, log: log, stopping: make(chan struct{})}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	return s
}

// Stop has those who wait for changes answered at once, from now on.
func (s *Service) Stop() { s.stop() }

// Check is nil when the service can work: its store answers, and has its key.
func (s *Service) Check(ctx context.Context) error {
	if _, err := s.cursors(ctx); err != nil {
		return err
	}
	_, err := s.store.Last(ctx, identity.LocalOwner)
	return err
}

// cursors reads the key once; a store that is down now is asked again later.
func (s *Service) cursors(ctx context.Context) (cursors, error) {
	s.key.Lock()
	defer s.key.Unlock()
	if s.key.cursors == nil {
		key, err := s.store.Key(ctx)
		if err != nil {
			return cursors{}, fault.Wrap("catalog.Key", err)
		}
		s.key.cursors = &cursors{key: key}
	}
	return *s.key.cursors, nil
}

func actor(ctx context.Context) (identity.Owner, error) {
	if owner := identity.OwnerFrom(ctx); owner != "" {
		return owner, nil
	}
	return "", ErrOwner
}

// update runs a decision and wakes those who wait for what it did.
func (s *Service) update(ctx context.Context, op string, scope Scope, decide func(Snapshot) (Changeset, error)) error {
	var done Changeset
	err := s.store.Update(ctx, scope, func(snapshot Snapshot) (Changeset, error) {
		var err error
		done, err = decide(snapshot)
		return done, err
	})
	if err != nil {
		return fault.Wrap(op, err)
	}
	if len(done.Changes) > 0 {
		s.feed.ring(string(scope.Owner))
	}
	if len(done.Outbox) > 0 {
		s.outbox.ring("")
	}
	return nil
}

// find is the owner's image under an id, or under the id of its duplicate.
func (s Snapshot) find(owner identity.Owner, id string) (Image, bool) {
	if r, retired := s.Retired[id]; retired && r.AliasOf != "" {
		id = r.AliasOf
	}
	i, found := s.Images[id]
	return i, found && i.Owner == string(owner)
}
