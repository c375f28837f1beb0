package accounts

import (
	"sync"
	"time"
)

const (
	// maxRefusals bounds the memory of refusals, to some 2 MiB. Beyond it the store
	// is asked, as it is for what nobody has asked for a while.
	maxRefusals = 10_000
	// trustRefusals is how long a refusal holds without asking the store again: it
	// may have been taken back there, by another process.
	trustRefusals = 10 * time.Second
)

// refusals remember which buckets the store has lately said must wait, so that a
// flood of tries that are refused costs the database nothing. What counts is in
// the store; nothing is allowed by what is remembered here. The zero value is
// empty. Safe for concurrent use.
type refusals struct {
	mu      sync.Mutex
	buckets map[string]refusal
	tidied  time.Time
}

type refusal struct{ noted, next time.Time }

// holds reports whether a refusal is still to be believed. A clock that was set
// back ends it.
func (r refusal) holds(now time.Time) bool {
	age := now.Sub(r.noted)
	return age >= 0 && age < trustRefusals && r.next.After(now)
}

// wait is for how long one of the buckets is refused; 0 where none is known to be.
func (r *refusals) wait(now time.Time, buckets ...string) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range buckets {
		if known := r.buckets[b]; known.holds(now) {
			wait = max(wait, known.next.Sub(now))
		}
	}
	return wait
}

// note remembers what the store has said of some buckets.
func (r *refusals) note(now time.Time, said map[string]Attempts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buckets == nil {
		r.buckets = map[string]refusal{}
	}
	for b, a := range said {
		if _, known := r.buckets[b]; known || r.room(now) {
			r.buckets[b] = refusal{now, a.Next}
		}
	}
}

// room makes room for one more where there is any. It looks through all of them
// once a second at most.
func (r *refusals) room(now time.Time) bool {
	if len(r.buckets) < maxRefusals {
		return true
	}
	if age := now.Sub(r.tidied); age >= 0 && age < time.Second {
		return false
	}
	r.tidied = now
	for b, known := range r.buckets {
		if !known.holds(now) {
			delete(r.buckets, b)
		}
	}
	return len(r.buckets) < maxRefusals
}

// forget has the store be asked again.
func (r *refusals) forget(buckets []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range buckets {
		delete(r.buckets, b)
	}
}
