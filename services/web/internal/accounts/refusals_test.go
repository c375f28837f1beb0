package accounts

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusalsAreBelievedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r refusals
		begun := time.Now()
		r.note(begun, map[string]Attempts{"soon": {Next: begun.Add(3 * time.Second)}, "late": {Next: begun.Add(15 * time.Minute)}, "free": {}})
		for _, tt := range []struct {
			at         time.Duration
			soon, late time.Duration
		}{
			{0, 3 * time.Second, 15 * time.Minute},
			{3*time.Second - 1, 1, 15*time.Minute - 3*time.Second + 1},
			{3 * time.Second, 0, 15*time.Minute - 3*time.Second},
			{trustRefusals - 1, 0, 15*time.Minute - trustRefusals + 1},
			{trustRefusals, 0, 0},
			{time.Hour, 0, 0},
		} {
			time.Sleep(time.Until(begun.Add(tt.at)))
			if soon, late := r.wait(time.Now(), "soon", "free"), r.wait(time.Now(), "late"); soon != tt.soon || late != tt.late {
				t.Errorf("after %s the waits are %s and %s, want %s and %s", tt.at, soon, late, tt.soon, tt.late)
			}
		}
		if r.wait(begun.Add(-time.Second), "late") != 0 {
			t.Error("a refusal holds although the clock was set back to before it")
		}
	})
}

func TestRefusalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r refusals
		note := func(n int) bool {
			b := fmt.Sprint(n)
			r.note(time.Now(), map[string]Attempts{b: {Next: time.Now().Add(time.Minute)}})
			return r.wait(time.Now(), b) > 0
		}
		for n := range maxRefusals + 2 {
			if held := note(n); held != (n < maxRefusals) {
				t.Fatalf("of %d refusals the last is remembered: %v", n+1, held)
			}
		}
		if !note(0) {
			t.Error("what is remembered is not renewed while there is no room")
		}
		time.Sleep(trustRefusals)
		if !note(maxRefusals) || len(r.buckets) != 1 {
			t.Errorf("%d are remembered after all the others have ended", len(r.buckets))
		}
	})
}
