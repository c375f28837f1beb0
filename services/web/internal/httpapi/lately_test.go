package httpapi

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsKnownLatelyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLately()
		for n := range maxLately + 2 {
			credential := fmt.Sprint(n)
			if l.note(credential); l.has(credential) != (n < maxLately) {
				t.Fatalf("of %d the last is known: %v", n+1, l.has(credential))
			}
		}
		time.Sleep(latelyFor - 1)
		l.note("0")
		if !l.has("1") {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Nanosecond)
		if l.has("1") || !l.has("0") {
			t.Error("known for longer than it should be, or not renewed")
		}
		if l.note("new"); !l.has("new") || len(l.known) != 2 {
			t.Errorf("%d are remembered after the others have ended", len(l.known))
		}
	})
}
