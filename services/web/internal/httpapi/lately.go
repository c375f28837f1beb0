package httpapi

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// latelyFor is how long a credential counts as known after it was: longer than
	// a page that is looked at goes without a request.
	latelyFor = 10 * time.Minute
	// maxLately bounds the memory of those, to some 2 MiB. Beyond it a credential
	// that is new here is not remembered.
	maxLately = 10_000
)

// lately remembers, by their hash, credentials that were found to be good. It lets
// nobody in: each is looked up again at every request. It only tells whose
// requests are looked up while their address is flooded. Safe for concurrent use.
type lately struct {
	now func() time.Time

	mu     sync.Mutex
	known  map[[sha256.Size]byte]time.Time
	tidied time.Time
}

func newLately() *lately {
	return &lately{now: time.Now, known: map[[sha256.Size]byte]time.Time{}}
}

func (l *lately) note(credential string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, key := l.now(), sha256.Sum256([]byte(credential))
	if _, known := l.known[key]; !known && len(l.known) >= maxLately && !l.tidy(now) {
		return
	}
	l.known[key] = now
}

// tidy forgets what is over, once a second at most, and reports whether there is
// room then.
func (l *lately) tidy(now time.Time) bool {
	if now.Sub(l.tidied) < time.Second {
		return false
	}
	l.tidied = now
	for key, at := range l.known {
		if now.Sub(at) >= latelyFor {
			delete(l.known, key)
		}
	}
	return len(l.known) < maxLately
}

func (l *lately) has(credential string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.known[sha256.Sum256([]byte(credential))]
	return known && l.now().Sub(at) < latelyFor
}
