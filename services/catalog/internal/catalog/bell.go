package catalog

import "sync"

// bell wakes those in this process who wait for something under a name. It
// keeps nothing for a name that nobody waits for.
type bell struct {
	mu      sync.Mutex
	waiting map[string]*waiters
}

type waiters struct {
	rung  chan struct{}
	count int
}

// listen returns a channel that closes at the next ring, and a function to
// call when it is no longer waited for. Listen first, then look: a ring in
// between is not lost.
func (b *bell) listen(name string) (rung <-chan struct{}, release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.waiting[name]
	if w == nil {
		if b.waiting == nil {
			b.waiting = map[string]*waiters{}
		}
		w = &waiters{rung: make(chan struct{})}
		b.waiting[name] = w
	}
	w.count++
	return w.rung, func() { b.release(name, w) }
}

func (b *bell) release(name string, w *waiters) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.count--; w.count == 0 && b.waiting[name] == w {
		delete(b.waiting, name)
	}
}

// ring wakes everybody who waits under the name.
func (b *bell) ring(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.waiting[name]; w != nil {
		close(w.rung)
		delete(b.waiting, name)
	}
}
