package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

const (
	// ChangesPeriod is how long a change is kept. Who was away for longer loads
	// the list again.
	ChangesPeriod = 7 * 24 * time.Hour
	// changesPoll is how soon a change made by another process is seen.
	changesPoll = time.Second
)

// ErrChangesExpired answers a cursor whose changes are no longer kept.
var ErrChangesExpired = fault.New(fault.Gone, "cursor_expired", "The changes since then are no longer kept. Load the list again and go on without a cursor.")

// Changes returns up to catalogapi.MaxChanges changes after a cursor, waiting
// up to req.WaitMS for the first. Without a cursor it gives the cursor of now.
// Following the cursors shows every change exactly once, in order. Errors: a
// parameter out of its range, ErrCursor, ErrChangesExpired.
func (s *Service) Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	none := catalogapi.ChangesResponse{}
	owner, err := actor(ctx)
	if err != nil {
		return none, err
	}
	if req.WaitMS < 0 || req.WaitMS > catalogapi.MaxChangesWaitMS {
		return none, fault.Parameter("wait_ms", fmt.Sprintf("The parameter wait_ms must be a whole number from 0 to %d.", catalogapi.MaxChangesWaitMS))
	}
	cursors, err := s.cursors(ctx)
	if err != nil {
		return none, err
	}
	changes, last, err := s.changesSince(ctx, cursors, owner, req)
	if err != nil {
		return none, fault.Wrap("catalog.Changes", err)
	}
	out := catalogapi.ChangesResponse{Changes: []catalogapi.Change{}, Cursor: cursors.feed(owner, last)}
	for _, c := range changes {
		out.Changes = append(out.Changes, catalogapi.Change{ImageID: c.ImageID, AlbumID: c.AlbumID, Kind: c.Kind, At: c.At})
	}
	return out, nil
}

func (s *Service) changesSince(ctx context.Context, c cursors, owner identity.Owner, req catalogapi.ChangesRequest) ([]Change, int64, error) {
	if req.Cursor == "" {
		last, err := s.store.Last(ctx, owner)
		return nil, last, err
	}
	after, err := c.openFeed(req.Cursor, owner)
	if err != nil {
		return nil, 0, err
	}
	changes, err := s.await(ctx, owner, after, time.Duration(req.WaitMS)*time.Millisecond)
	return changes, after + int64(len(changes)), err
}

// await reads the feed until it has something, or the wait is over.
func (s *Service) await(ctx context.Context, owner identity.Owner, after int64, wait time.Duration) ([]Change, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	poll := time.NewTicker(changesPoll)
	defer poll.Stop()
	for {
		rung, release := s.feed.listen(string(owner))
		changes, err := s.read(ctx, owner, after)
		if err != nil || len(changes) > 0 || wait == 0 {
			release()
			return changes, err
		}
		over := false
		select {
		case <-rung:
		case <-poll.C:
		case <-deadline.C:
			over = true
		case <-s.stopping:
			over = true
		case <-ctx.Done():
			err = ctx.Err()
		}
		release()
		if over || err != nil {
			return nil, err
		}
	}
}

// read returns the changes that follow without a gap. The sequence has none of
// itself: where one shows, changes were compacted away. A reader that is ahead
// of the feed has seen a database that was restored from a backup since.
func (s *Service) read(ctx context.Context, owner identity.Owner, after int64) ([]Change, error) {
	last, err := s.store.Last(ctx, owner)
	switch {
	case err != nil:
		return nil, err
	case last < after:
		return nil, ErrChangesExpired
	case last == after:
		return nil, nil
	}
	changes, err := s.store.Changes(ctx, owner, after, catalogapi.MaxChanges)
	if err != nil {
		return nil, err
	}
	for i, c := range changes {
		if c.Seq != after+1+int64(i) {
			changes = changes[:i]
			break
		}
	}
	if len(changes) == 0 {
		return nil, ErrChangesExpired
	}
	return changes, nil
}
