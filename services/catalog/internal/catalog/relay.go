package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

const (
	relayBatch     = 50
	relayLease     = time.Minute      // longer than a batch may take, or two relays send it
	relayTimeout   = 30 * time.Second // for a batch
	publishTimeout = 8 * time.Second  // for an event: as many as are an outage fit into a batch
	relayPoll      = 5 * time.Second  // for what another process left behind
	relayMinPause  = time.Second      // of the relay, while the bus is out; doubles
	relayMaxPause  = 30 * time.Second
	lookEvery      = time.Minute // at how much there is, while nothing fails; who measures the store hears of it

	// outage is how many events of a batch fail in a row before the bus is taken
	// to be out, and the rest is not tried. Those that are known to fail by their
	// own fault do not count.
	outage = 3
	// An event that fails by its own fault waits for longer each time, and is set
	// aside after MaxAttempts: four hours later.
	relayMinWait = 5 * time.Second
	relayMaxWait = 30 * time.Minute
)

// MaxAttempts is how often an event of the outbox fails while others get through,
// before it is set aside. What fails when nothing does is not counted.
const MaxAttempts = 16

// RunRelay publishes the outbox to contract.TopicPurges until ctx ends: at least
// once, at once when this process fills it, and those about one image in their
// order. Several relays may run. An event that fails holds up no other. With poll
// it also looks for what other processes have left behind, every few seconds.
func (s *Service) RunRelay(ctx context.Context, poll bool) {
	r := relay{Service: s}
	for ctx.Err() == nil {
		grown, release := s.outbox.listen("")
		done, err := r.batch(ctx)
		switch {
		case err != nil:
			s.report(ctx, "the outbox could not be read or written", err)
			s.rest(ctx, r.pause(), nil)
		case done.out:
			s.rest(ctx, r.pause(), nil)
		case !done.some():
			s.rest(ctx, r.untilNext(ctx, poll), grown)
		}
		release()
	}
}

// drain publishes what is due, to the end. It is an error where nothing gets
// through any more.
func (s *Service) drain(ctx context.Context) (passed, error) {
	var all passed
	r := relay{Service: s}
	for {
		done, err := r.batch(ctx)
		all.sent, all.aside = all.sent+done.sent, all.aside+done.aside
		if done.doubt != nil || done.sent > 0 {
			all.doubt = done.doubt
		}
		if err != nil || done.out || !done.some() {
			_, look := r.store.Backlog(ctx)
			return all, errors.Join(err, all.doubt, look)
		}
	}
}

// relay is what one relay remembers from batch to batch.
type relay struct {
	*Service
	failures int       // batches in a row of which nothing got through
	sentAt   time.Time // when an event last got through
	troubled bool      // something has failed, and may still be there
	looked   time.Time // at all that is in the outbox
}

// passed counts what became of a batch.
type passed struct {
	sent, aside, failed int
	doubt               error // why the last failed, where nothing got through after it
	out                 bool  // the bus is out
}

func (p passed) some() bool { return p.sent+p.aside+p.failed > 0 }

// pause is how long the bus, or the store, is left alone.
func (r *relay) pause() time.Duration {
	return min(relayMinPause<<min(max(r.failures-1, 0), 5), relayMaxPause)
}

// untilNext is how long there is nothing to do; 0 for as long as nobody says
// otherwise.
func (r *relay) untilNext(ctx context.Context, poll bool) time.Duration {
	wait := time.Duration(0)
	if poll {
		wait = relayPoll
	}
	now := r.now()
	if !r.troubled && now.Sub(r.looked) < lookEvery {
		return wait
	}
	r.looked = now
	b, err := r.store.Backlog(ctx)
	if r.troubled = err != nil || b.Waiting > 0; !r.troubled {
		return wait
	}
	next := max(b.Next.Sub(now), relayMinPause)
	if wait == 0 {
		return next
	}
	return min(wait, next)
}

// batch claims some events, tries them, and notes what became of each.
func (r *relay) batch(ctx context.Context) (passed, error) {
	timeout, cancel := context.WithTimeout(ctx, relayTimeout)
	defer cancel()
	messages, err := r.store.Claim(timeout, r.now(), relayLease, relayBatch)
	if err != nil {
		r.failures, r.troubled = r.failures+1, true
		return passed{}, err
	}
	var t trial
	for _, m := range messages {
		if t.streak == outage || timeout.Err() != nil {
			t.left = append(t.left, m.ID)
			continue
		}
		if err := r.send(timeout, m); err == nil || timeout.Err() == nil {
			r.judge(&t, m, err)
		} else { // it was not given its time
			t.left = append(t.left, m.ID)
		}
	}
	return r.settle(ctx, t)
}

func (r *relay) send(ctx context.Context, m Message) error {
	if m.Err != nil {
		return m.Err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return r.bus.Publish(ctx, contract.TopicPurges, m.Event)
}

// judge tells whose fault a failure is. What the bus refuses is to blame itself;
// so is what fails again after another got through. What fails when nothing else
// has got through since it did before says nothing of the event.
func (r *relay) judge(t *trial, m Message, err error) {
	now := r.now()
	f := tried{m, err, now}
	switch {
	case err == nil:
		t.sent, t.streak, r.sentAt = append(t.sent, m.ID), 0, now
	case event.Refused(err):
		t.refused = append(t.refused, f)
	case !m.FailedAt.IsZero() && r.sentAt.After(m.FailedAt):
		t.failed = append(t.failed, f)
	default:
		t.doubtful, t.streak = append(t.doubtful, f), t.streak+1
	}
}

// settle notes what became of a batch, also when the process is stopping.
func (r *relay) settle(ctx context.Context, t trial) (passed, error) {
	done := passed{sent: len(t.sent), aside: len(t.refused), failed: len(t.failed), out: t.streak == outage}
	r.troubled = r.troubled || len(t.refused)+len(t.failed)+len(t.doubtful) > 0
	switch {
	case done.sent > 0:
		r.failures = 0
	case t.streak > 0:
		r.failures++
	}
	if t.streak > 0 {
		done.doubt = t.doubtful[len(t.doubtful)-1].err
		r.report(ctx, "the outbox could not be published and is tried again", done.doubt)
	}
	var failures []Failure
	for _, f := range t.doubtful {
		failures = append(failures, f.again(f.Attempts, r.pause()))
	}
	for _, f := range t.failed {
		failures = append(failures, r.failed(ctx, f))
	}
	for _, f := range t.refused {
		failures = append(failures, r.setAside(ctx, f))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return done, errors.Join(r.store.Sent(ctx, t.sent), r.store.Release(ctx, t.left), r.store.PutOff(ctx, failures))
}

// failed puts off an event that failed by its own fault, for longer each time,
// and sets it aside in the end.
func (r *relay) failed(ctx context.Context, f tried) Failure {
	if f.Attempts++; f.Attempts >= MaxAttempts {
		return r.setAside(ctx, f)
	}
	wait := min(relayMinWait<<(f.Attempts-1), relayMaxWait)
	r.log.WarnContext(ctx, "an event of the outbox could not be published, while others were, and is tried again",
		"event", f.Event.ID, "subject", f.Event.Subject, "attempt", f.Attempts, "after", wait, "err", f.err)
	return f.again(f.Attempts, wait)
}

// CodeSetAside is the code of the line of the log that says that an event of the
// outbox was set aside. Alarms look for it.
const CodeSetAside = "outbox_set_aside"

func (r *relay) setAside(ctx context.Context, f tried) Failure {
	r.log.ErrorContext(ctx, "an event of the outbox cannot be published and is set aside; sajin purge -retry-failed tries it again",
		"code", CodeSetAside, "row", f.ID, "event", f.Event.ID, "type", f.Event.Type, "subject", f.Event.Subject, "attempts", f.Attempts, "err", f.err)
	return Failure{ID: f.ID, Attempts: f.Attempts, At: f.at, Aside: true, Reason: f.err.Error()}
}

// Backlog says how much is in the outbox.
func (s *Service) Backlog(ctx context.Context) (Backlog, error) {
	b, err := s.store.Backlog(ctx)
	return b, fault.Wrap("catalog.Backlog", err)
}

// Readmit has the relays try again what was set aside, and says how much that was.
func (s *Service) Readmit(ctx context.Context) (int, error) {
	n, err := s.store.Readmit(ctx)
	s.outbox.ring("")
	return n, fault.Wrap("catalog.Readmit", err)
}

// trial is what became of a batch.
type trial struct {
	sent     []int64
	left     []int64 // not tried
	refused  []tried
	failed   []tried
	doubtful []tried
	streak   int // of those, after which nothing got through
}

// tried is an event that failed.
type tried struct {
	Message
	err error
	at  time.Time
}

func (t tried) again(attempts int, after time.Duration) Failure {
	return Failure{ID: t.ID, Attempts: attempts, At: t.at, Until: t.at.Add(after), Reason: t.err.Error()}
}
