package acceptance

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"
)

// stopWithin is how long an orchestrator waits between SIGTERM and SIGKILL.
const stopWithin = 10 * time.Second

// stopsEach is how often a deployment is stopped during the uploads.
const stopsEach = 3

// TestStop sends SIGTERM in the middle of uploads (F33): each process ends by
// itself in time, with status 0, and what was acknowledged is there afterwards.
func TestStop(t *testing.T) {
	if testing.Short() {
		t.Skip("stops processes for some seconds")
	}
	for name, start := range map[string]func(*testing.T) deployment{"AllInOne": startAllInOne, "Split": startSplit} {
		t.Run(name, func(t *testing.T) { stopDuringUploads(t, start(t)) })
	}
}

func stopDuringUploads(t *testing.T, d deployment) {
	c := newClient(t, d)
	u := &uploads{client: c, files: photos(t, seedStop, 20), acknowledged: map[string]string{}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var clients sync.WaitGroup
	for range killClients {
		clients.Go(func() { u.run(ctx, t) })
	}
	for range stopsEach {
		u.refill(t)
		before := u.acknowledgements()
		eventually(t, readyWithin, "uploads are acknowledged", func() bool { return u.acknowledgements() > before })
		for _, took := range d.stop(t) {
			if took > stopWithin {
				t.Errorf("a process took %s to stop", took)
			}
		}
		saved := u.snapshot()
		d.start(t)
		// Of what was answered while catalog had stopped it hears by the event, or
		// from the next sweep.
		eventually(t, settleWithin, "what was acknowledged before the stop is there", func() bool {
			maps.DeleteFunc(saved, func(id, _ string) bool { return c.leadsTo(t, id) != "" })
			return len(saved) == 0
		})
	}
	u.finish()
	clients.Wait()
	t.Logf("%d acknowledged", len(u.acknowledged))
	c.audit(t, u.acknowledged)
	auditKept(t, d, u.acknowledged)
}

// seedStop starts the seeds of this test's photographs.
const seedStop = 400_000

func (u *uploads) acknowledgements() int { return len(u.snapshot()) }

func (u *uploads) snapshot() map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.acknowledged)
}
