package gcppubsub

import "sync"

// maxCounted is the most messages whose failed attempts are counted.
const maxCounted = 10_000

// attempt is the number of this delivery of a message: Pub/Sub's own where it
// counts, else one more than have failed here.
func (b *Bus) attempt(messageID string, counted int) int {
	if counted > 0 {
		return counted
	}
	return b.failures.of(messageID) + 1
}

// counter counts the failures of messages, of the newest limit of them. Safe
// for concurrent use.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
	ring   []string // the ids, oldest at head
	head   int
}

func newCounter(limit int) *counter {
	return &counter{counts: make(map[string]int), ring: make([]string, limit)}
}

func (c *counter) of(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[id]
}

func (c *counter) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.counts[id]; !there {
		delete(c.counts, c.ring[c.head])
		c.ring[c.head] = id
		c.head = (c.head + 1) % len(c.ring)
	}
	c.counts[id]++
}
