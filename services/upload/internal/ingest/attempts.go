package ingest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

var (
	errInWork = fault.New(fault.Locked, "image_in_work", "The image is being processed already.").RetryAfter(2 * time.Second)
	errPaused = fault.New(fault.Unavailable, "image_paused", "The image could not be processed and will be tried again.").RetryAfter(time.Minute)
	errSpent  = fault.New(fault.Internal, "image_attempts_spent", "The image could not be processed.")
)

// triesPerAttempt is how many tries may end with their process for each that
// may fail: a machine that is restarted often is no fault of the image's.
const triesPerAttempt = 4

// maxTryBytes bounds what is read as a record of a try.
const maxTryBytes = 4 << 10

// try is one try at an image. While it runs, its object attempts/<id>/<number>
// tells other processes to stay away; its number is the count that survives
// every crash. Only one process can write the object of a number, so whoever
// writes the next one has taken the work over. A process that comes back after
// that has lost nothing but its work: a manifest is written once.
type try struct {
	service *Service
	id      string
	number  int // 0: nobody else can be at work, and nothing was written
	record  tryRecord
	stop    func() // ends the signs of life
}

// tryRecord is what the object of a try holds.
type tryRecord struct {
	Failures int    `json:"failures"` // of this and the tries before
	Ended    bool   `json:"ended"`    // it failed, as opposed to: it runs, or its process ended
	Reason   string `json:"reason,omitempty"`
}

func attemptsOf(id string) string { return contract.PrefixAttempts + id + "/" }

func tryKey(id string, number int) string { return fmt.Sprintf("%s%04d", attemptsOf(id), number) }

// begin starts a try at an image. errInWork: another process is at it, or this
// one with other work on it. errPaused: it has failed a short while ago.
// errSpent: it has failed too often.
func (s *Service) begin(ctx context.Context, id string) (*try, error) {
	if _, busy := s.trying.LoadOrStore(id, nil); busy {
		return nil, errInWork
	}
	t, err := s.claim(ctx, id)
	if err != nil {
		s.trying.Delete(id)
	}
	return t, err
}

// claim claims an image for a try, among all processes.
//
// The first try of a file that this process has just stored, in a store that it
// has to itself, leaves no trace unless it fails: that is most of them, and
// each would cost three fsyncs.
func (s *Service) claim(ctx context.Context, id string) (*try, error) {
	t := &try{service: s, id: id, stop: func() {}}
	if s.fresh.take(id) && blob.IsExclusive(s.ports.Blob) {
		return t, nil
	}
	err := t.claim(ctx, 1)
	if !errors.Is(err, blob.ErrExists) {
		return t, err
	}
	last, err := s.lastTry(ctx, id)
	if err != nil {
		return nil, err
	}
	t.record.Failures = last.Failures
	now, err := s.storeTime(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.mayFollow(last, now); err != nil {
		return nil, err
	}
	if err = t.claim(ctx, last.number+1); errors.Is(err, blob.ErrExists) {
		return nil, errInWork
	}
	return t, err
}

// lastTry is the newest try at an image, as its object says.
type lastTry struct {
	tryRecord
	number int
	at     time.Time // of its last sign of life, by the store's clock
}

func (s *Service) lastTry(ctx context.Context, id string) (lastTry, error) {
	var last lastTry
	err := blob.Each(ctx, s.ports.Blob, attemptsOf(id), func(info blob.Info) error {
		n, err := strconv.Atoi(path.Base(info.Key))
		if err == nil && n > last.number {
			last.number, last.at = n, info.CreatedAt
		}
		return nil
	})
	if err != nil || last.number == 0 { // it ended between two looks
		return last, fault.Wrap("ingest.lastTry", err)
	}
	raw, err := s.readSmall(ctx, tryKey(id, last.number), maxTryBytes)
	if errors.Is(err, blob.ErrNotFound) {
		return last, errInWork // it ended this moment
	}
	if err != nil {
		return last, err
	}
	// Half a record is one of a try whose process ended.
	_ = json.Unmarshal(raw, &last.tryRecord)
	return last, nil
}

func (s *Service) readSmall(ctx context.Context, key string, limit int64) ([]byte, error) {
	r, _, err := s.ports.Blob.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, fault.Wrap("ingest.readSmall", err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil, fault.As(fault.Unavailable, "ingest.readSmall", err)
	}
	return raw, nil
}

// mayFollow judges whether another try may follow the last one. The times are
// the store's, so that no clock of ours matters. An age below zero is that of a
// store whose clock was set back: nothing is waited for then.
func (s *Service) mayFollow(last lastTry, now time.Time) error {
	age := now.Sub(last.at)
	within := func(period time.Duration) bool { return age >= 0 && age < period }
	// In a store that is ours alone a try that has not ended ended with its
	// process: this one has no other at the image.
	alone := blob.IsExclusive(s.ports.Blob)
	switch {
	case last.number == 0:
		return nil
	case !last.Ended && !alone && within(s.cfg.LeaseLife):
		return errInWork
	case s.spent(last):
		return errSpent
	case last.Ended && within(s.pause(last.Failures)):
		return errPaused
	default:
		return nil
	}
}

// pause is how long an image rests after a failure.
func (s *Service) pause(failures int) time.Duration {
	return s.cfg.AttemptPause << min(max(failures-1, 0), 10)
}

func (s *Service) spent(last lastTry) bool {
	return last.Failures >= s.cfg.Attempts || last.number >= triesPerAttempt*s.cfg.Attempts
}

// storeTime is the store's own time. A store that is ours alone has our clock;
// a bucket is asked by writing to it, which happens only where two processes
// meet at one image.
func (s *Service) storeTime(ctx context.Context) (time.Time, error) {
	if blob.IsExclusive(s.ports.Blob) {
		return s.ports.Now(), nil
	}
	key := contract.PrefixAttempts + "clock-" + rand.Text()
	info, err := s.ports.Blob.Put(ctx, key, bytes.NewReader(nil), blob.WriteOptions{IfNotExists: true})
	if err != nil {
		return time.Time{}, fault.Wrap("ingest.storeTime", err)
	}
	if err := s.ports.Blob.Delete(ctx, key); err != nil { // the sweep removes it
		s.ports.Log.WarnContext(ctx, "a look at the store's clock was not removed", "key", key, "err", err)
	}
	return info.CreatedAt, nil
}

// claim writes the object of a try and keeps giving signs of life.
func (t *try) claim(ctx context.Context, number int) error {
	t.number = number
	if err := t.write(ctx, true); err != nil {
		return err
	}
	if blob.IsExclusive(t.service.ports.Blob) {
		return nil
	}
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.live(living)
	}()
	t.stop = func() { end(); <-ended }
	return nil
}

func (t *try) write(ctx context.Context, first bool) error {
	raw, err := json.Marshal(t.record)
	if err != nil {
		return fault.As(fault.Internal, "ingest.try", err)
	}
	_, err = t.service.ports.Blob.Put(ctx, tryKey(t.id, t.number), bytes.NewReader(raw),
		blob.WriteOptions{ContentType: "application/json", IfNotExists: first, Size: int64(len(raw))})
	return fault.Wrap("ingest.try", err)
}

// live gives signs of life until ctx ends. One that fails is made up for by the
// next.
func (t *try) live(ctx context.Context) {
	tick := time.NewTicker(t.service.cfg.LeaseRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := t.write(ctx, false); err != nil && ctx.Err() == nil {
			t.service.ports.Log.WarnContext(ctx, "a sign of life was not written", "id", t.id, "err", err)
		}
	}
}

// end notes what came of a try, and reports whether it was the last that the
// image had. What failed because of the store, the bus or a stop does not count
// against it.
func (t *try) end(ctx context.Context, err error) (spent bool) {
	defer t.service.trying.Delete(t.id)
	t.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	var failed error
	switch refused := (*Refused)(nil); {
	case err == nil, errors.Is(err, errGone), errors.As(err, &refused) && refused.Unfinished == nil:
		failed = t.remove(ctx, 1)
	case refused != nil || fault.KindOf(err) != fault.Internal:
		failed = t.release(ctx)
	default:
		failed = t.fail(ctx, err)
		spent = t.service.spent(lastTry{tryRecord: t.record, number: t.number})
	}
	if failed != nil {
		t.service.ports.Log.WarnContext(ctx, "the end of a try was not noted", "id", t.id, "err", failed)
	}
	return spent
}

// remove forgets the tries from a number on up to this one.
func (t *try) remove(ctx context.Context, from int) error {
	for n := max(from, 1); n <= t.number; n++ {
		if err := t.service.ports.Blob.Delete(ctx, tryKey(t.id, n)); err != nil {
			return fault.Wrap("ingest.try", err)
		}
	}
	return nil
}

// release gives the image up as if the try had not been. One that was taken
// over leaves its object, which keeps the place of the first.
func (t *try) release(ctx context.Context) error {
	if t.number == 0 {
		return nil
	}
	last, err := t.service.lastTry(ctx, t.id)
	if err != nil || last.number != t.number {
		return err
	}
	return t.remove(ctx, t.number)
}

// fail counts a failure, durably.
func (t *try) fail(ctx context.Context, reason error) error {
	t.number = max(t.number, 1)
	t.record.Failures++
	t.record.Ended, t.record.Reason = true, cut(reason.Error(), 1<<10)
	t.service.ports.Log.ErrorContext(ctx, "an image could not be processed", "id", t.id, "failures", t.record.Failures, "err", reason)
	return t.write(ctx, false)
}
