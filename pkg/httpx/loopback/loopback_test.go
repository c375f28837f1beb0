package loopback

import (
	"net"
	"testing"
)

// An address can be bound, again and again, and no other caller is given it.
func TestFree(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for range 100 {
		addr, err := Free(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if given[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		given[addr] = true
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
	}
}

// What is in use is passed over.
func TestFreePassesOverWhatIsInUse(t *testing.T) {
	// Not parallel: it takes the port that is next.
	addr, err := Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	last.Add(^uint32(0)) // as if it had come round
	again, err := Free(t.Context())
	if err != nil || again == addr {
		t.Fatalf("%s, %v", again, err)
	}
}
