package gcppubsub

import (
	"fmt"
	"testing"
)

func TestCounterKeepsTheNewest(t *testing.T) {
	c := newCounter(3)
	for i := range 3 {
		c.add(fmt.Sprint(i))
	}
	c.add("0") // counts on, and is not newer for it
	if got := c.of("0"); got != 2 {
		t.Errorf("count of 0 = %d, want 2", got)
	}
	c.add("3")
	for id, want := range map[string]int{"0": 0, "1": 1, "2": 1, "3": 1, "never seen": 0} {
		if got := c.of(id); got != want {
			t.Errorf("count of %s = %d, want %d", id, got, want)
		}
	}
	if len(c.counts) != 3 {
		t.Errorf("%d counts are kept, want 3", len(c.counts))
	}
}

func TestPubSubsOwnCountGoesFirst(t *testing.T) {
	b := &Bus{failures: newCounter(3)}
	b.failures.add("m")
	if got := b.attempt("m", 7); got != 7 {
		t.Errorf("attempt = %d, want Pub/Sub's 7", got)
	}
	if got := b.attempt("m", 0); got != 2 {
		t.Errorf("attempt = %d, want 2 after one failure", got)
	}
}
