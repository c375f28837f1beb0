package accounts_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
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
