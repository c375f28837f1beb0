package acceptance

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// The kill tests' sizes.
const (
	killUploads   = 200
	killClients   = 4
	killsAllInOne = 20
	killsService  = 10
)

// TestKill kills processes with SIGKILL at random instants of a run of uploads.
// Clients try again, as clients do. In the end everything that was acknowledged
// is there with its bytes, nothing twice, nothing stuck.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	t.Run("AllInOne", func(t *testing.T) {
		t.Parallel() // the end is mostly a wait for leases to run out
		killDuringUploads(t, startAllInOne(t), killsAllInOne)
	})
	t.Run("Split", func(t *testing.T) {
		t.Parallel()
		killDuringUploads(t, startMortal(t), killsService)
	})
}

func killDuringUploads(t *testing.T, d deployment, killsEach int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	c := newClient(t, d)
	u := &uploads{client: c, files: photos(t, seedKill, killUploads), acknowledged: map[string]string{}}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	defer stop()
	var clients sync.WaitGroup
	for range killClients {
		clients.Go(func() { u.run(ctx, t) })
	}
	kills := map[string]int{}
	for u.left() > 0 || !allKilled(d, kills, killsEach) {
		u.refill(t)
		service := d.services()[rnd.IntN(len(d.services()))]
		select {
		case <-time.After(time.Duration(rnd.IntN(200)) * time.Millisecond): // the random instant
		case <-ctx.Done():
			t.Fatalf("the run did not end in time: %d files left, kills %v", u.left(), kills)
		}
		if kills[service] < killsEach {
			d.kill(t, service)
			kills[service]++
		}
	}
	u.finish()
	clients.Wait()
	t.Logf("%d acknowledged, kills %v", len(u.acknowledged), kills)
	c.audit(t, u.acknowledged)
	auditKept(t, d, u.acknowledged)
}

// seedKill starts the seeds of the kill tests' photographs.
const seedKill = 100_000

func allKilled(d deployment, kills map[string]int, each int) bool {
	for _, service := range d.services() {
		if kills[service] < each {
			return false
		}
	}
	return true
}

// uploads hands files to clients and notes what was acknowledged.
type uploads struct {
	client       client
	mu           sync.Mutex
	files        []file
	made         uint64
	ended        bool
	acknowledged map[string]string // id to SHA-256
}

func (u *uploads) next() (file, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.files) == 0 {
		return file{}, false
	}
	f := u.files[0]
	u.files = u.files[1:]
	return f, true
}

func (u *uploads) left() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.files)
}

// refill keeps the clients busy until every service was killed often enough.
func (u *uploads) refill(t *testing.T) {
	if u.left() > 0 {
		return
	}
	more := photos(t, seedKill+killUploads+u.made, 8)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.made += uint64(len(more))
	u.files = append(u.files, more...)
}

func (u *uploads) finish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
}

func (u *uploads) over() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended && len(u.files) == 0
}

// run uploads file after file, each until it is acknowledged.
func (u *uploads) run(ctx context.Context, t *testing.T) {
	for !u.over() && ctx.Err() == nil {
		f, ok := u.next()
		if !ok {
			pause(ctx)
			continue
		}
		for !u.try(ctx, t, f) && ctx.Err() == nil {
			pause(ctx)
		}
	}
}

// pause is how long a client waits before it tries again.
func pause(ctx context.Context) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
}

// try reports whether the file was acknowledged. A refusal for good is a
// failure of the test: the files are all good.
func (u *uploads) try(ctx context.Context, t *testing.T, f file) bool {
	_, results, err := u.client.tryUpload(ctx, f)
	if err != nil || len(results) != 1 {
		return false
	}
	r := results[0]
	switch r.Status {
	case "stored", "processing":
	case "duplicate":
		r.ID = r.DuplicateOf
	default:
		if r.Problem != nil && r.Problem.Status < 500 {
			t.Errorf("%s was refused: %+v", f.name, r.Problem)
			return true
		}
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.acknowledged[r.ID] = f.sha256()
	return true
}
