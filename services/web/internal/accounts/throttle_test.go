package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

func TestA01_GuessesTakeLongerAndLonger(t *testing.T) {
	w := claimed(t)
	var waits []time.Duration
	wrong := 0
	for n := range 40 {
		_, err := w.signIn(name, fmt.Sprint("guess", n), accounts.Visit{Address: fmt.Sprintf("198.51.100.%d", n)})
		switch {
		case errors.Is(err, accounts.ErrAttempts):
			wait := fault.Public(err).Retry
			waits = append(waits, wait)
			w.pass(wait - time.Millisecond)
			if _, err := w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"}); !errors.Is(err, accounts.ErrAttempts) {
				t.Fatalf("a millisecond too early the right password is answered with %v", err)
			}
			w.pass(time.Millisecond)
		case errors.Is(err, accounts.ErrCredentials):
			wrong++
		default:
			t.Fatal(err)
		}
	}
	if len(waits) < 10 || waits[0] != time.Second || waits[1] != 2*time.Second || waits[len(waits)-1] != 15*time.Minute {
		t.Errorf("%d wrong passwords were compared, with the waits %v", wrong, waits)
	}
	w.pass(15 * time.Minute)
	if _, err := w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"}); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	if _, err := w.signIn(name, "wrong", accounts.Visit{Address: "203.0.113.1"}); !errors.Is(err, accounts.ErrCredentials) {
		t.Errorf("the count was not forgotten: %v", err)
	}
}

func TestA01_OneAddressTriesManyNames(t *testing.T) {
	for what, address := range map[string]func(n int) string{
		"one address": func(int) string { return "198.51.100.1" },
		"one network": func(n int) string { return fmt.Sprintf("2001:db8:0:1:%x::%x", n, n) },
	} {
		w := claimed(t)
		tried := 0
		for n := range 1000 {
			if _, err := w.signIn(fmt.Sprint("name", n), "Password1!", accounts.Visit{Address: address(n)}); errors.Is(err, accounts.ErrCredentials) {
				tried++
			}
		}
		if tried != 20 {
			t.Errorf("%s tried %d names", what, tried)
		}
		if _, err := w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"}); err != nil {
			t.Errorf("%s locks others out: %v", what, err)
		}
	}
}

func TestA01_AcrossReplicasAndARestart(t *testing.T) {
	w := claimed(t)
	compared := 0
	for n := range 20 {
		_, err := w.another("").SignIn(t.Context(), name, "wrong", accounts.Visit{Address: fmt.Sprintf("198.51.100.%d", n)})
		if errors.Is(err, accounts.ErrCredentials) {
			compared++
		}
	}
	if compared != 5 {
		t.Errorf("%d passwords were compared", compared)
	}
}

func TestA01_ManyAtOnceAreNotMore(t *testing.T) {
	w := claimed(t)
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			_, _ = w.signIn(name, "wrong", accounts.Visit{Address: fmt.Sprintf("198.51.100.%d", n)})
		})
	}
	wg.Wait()
	if n := w.hasher.Verified.Load(); n != 5 {
		t.Errorf("%d passwords were compared", n)
	}
}

// Somebody else's guessing keeps nobody out of a browser that they have used.
func TestA01_AKnownBrowserGetsIn(t *testing.T) {
	w := claimed(t)
	device := w.enter(accounts.Visit{}).DeviceToken
	for n := range 200 {
		_, _ = w.signIn(name, "wrong", accounts.Visit{Address: fmt.Sprintf("198.51.100.%d", n)})
		_, _ = w.signIn("nobody", "wrong", accounts.Visit{Address: "203.0.113.1"}) // at home as well
	}
	_, err := w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"})
	w.want("a strange browser", err, accounts.ErrAttempts)
	_, err = w.signIn(name, password, accounts.Visit{Address: "203.0.113.1", Device: device})
	w.want("a known one", err, nil)
	for range 10 {
		_, err = w.signIn(name, "wrong", accounts.Visit{Address: "203.0.113.1", Device: device})
	}
	w.want("guesses with a browser that was stolen", err, accounts.ErrAttempts)
	_, err = w.signIn(name, password, accounts.Visit{Address: "203.0.113.2", Device: "made up"})
	w.want("a browser that is made up", err, accounts.ErrAttempts)
}

func TestABusyMomentIsNoWrongPassword(t *testing.T) {
	w := claimed(t)
	w.hasher.Busy.Store(true)
	for range 30 {
		_, err := w.signIn(name, password, accounts.Visit{})
		w.want("while many sign in", err, accounts.ErrBusy)
	}
	w.hasher.Busy.Store(false)
	_, err := w.signIn(name, password, accounts.Visit{})
	w.want("then", err, nil)
}

// counting is a store that counts what it is asked at a sign-in.
type counting struct {
	accounts.Store
	asked *atomic.Int64
}

func (c counting) Find(ctx context.Context, key string) (accounts.Account, error) {
	c.asked.Add(1)
	return c.Store.Find(ctx, key)
}

func (c counting) DeviceOf(ctx context.Context, hash string) (identity.Owner, error) {
	c.asked.Add(1)
	return c.Store.DeviceOf(ctx, hash)
}

func (c counting) Attempt(ctx context.Context, buckets []string, decide func(map[string]accounts.Attempts) error) error {
	c.asked.Add(1)
	return c.Store.Attempt(ctx, buckets, decide)
}

func (c counting) Count(ctx context.Context) (int, error) {
	c.asked.Add(1)
	return c.Store.Count(ctx)
}

// TestA01_AFloodOfTriesCostsTheStoreNothing: while an address, or a name, must wait,
// the store is asked once in a while, and never too late.
func TestA01_AFloodOfTriesCostsTheStoreNothing(t *testing.T) {
	w := claimed(t)
	device := w.enter(accounts.Visit{}).DeviceToken
	var asked atomic.Int64
	store := counting{w.store, &asked}
	s := accounts.New(store, w.hasher, accounts.Options{Now: func() time.Time { return time.Unix(0, w.now.Load()) }, Log: slog.New(slog.DiscardHandler)})
	try := func(who, password string, v accounts.Visit) error {
		_, err := s.SignIn(t.Context(), who, password, v)
		return err
	}
	there := accounts.Visit{Address: "198.51.100.1"}
	for n := range 20 { // the 20th begins a wait of a second
		w.want("a free guess", try(fmt.Sprint("name", n), "wrong", there), accounts.ErrCredentials)
	}
	asked.Store(0)
	for n := range 1000 {
		w.want("the flood", try(fmt.Sprint("other", n), "wrong", there), accounts.ErrAttempts)
		if _, err := s.IsSetUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n > 3 {
		t.Errorf("1,000 tries that are refused ask the store %d times", n)
	}
	w.want("a known browser there", try(name, password, accounts.Visit{Address: there.Address, Device: device}), nil)
	w.want("a browser that is made up", try(name, password, accounts.Visit{Address: there.Address, Device: "made up"}), accounts.ErrAttempts)
	w.want("another address", try(name, password, accounts.Visit{Address: "203.0.113.1"}), nil)
	w.pass(time.Second)
	w.want("when the wait is over", try(name, password, there), nil)
}

// TestA01_WhatAnotherReplicaTakesBackIsSeen: what is remembered is asked again soon.
func TestA01_WhatAnotherReplicaTakesBackIsSeen(t *testing.T) {
	w := claimed(t)
	other := w.another("")
	for range 12 { // beyond the free ones
		w.pass(15 * time.Minute)
		_, err := other.SignIn(t.Context(), name, "wrong", accounts.Visit{Address: "198.51.100.1"})
		w.want("a guess", err, accounts.ErrCredentials)
	}
	_, err := w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"})
	w.want("while the other counts", err, accounts.ErrAttempts)
	err = w.store.Attempt(t.Context(), w.store.Counted(), func(known map[string]accounts.Attempts) error {
		for b := range known {
			known[b] = accounts.Attempts{}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(10*time.Second - time.Millisecond)
	_, err = w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"})
	w.want("from memory", err, accounts.ErrAttempts)
	w.pass(time.Millisecond)
	_, err = w.signIn(name, password, accounts.Visit{Address: "203.0.113.1"})
	w.want("asked again", err, nil)
}
