package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
)

// lookedUp counts the credentials that a store is asked for.
type lookedUp struct {
	accounts.Store
	asked atomic.Int64
}

func (l *lookedUp) Session(ctx context.Context, hash string) (accounts.Session, accounts.Account, error) {
	l.asked.Add(1)
	return l.Store.Session(ctx, hash)
}

func (l *lookedUp) Token(ctx context.Context, hash string) (accounts.Token, accounts.Account, error) {
	l.asked.Add(1)
	return l.Store.Token(ctx, hash)
}

// A flood of credentials that are made up costs the database no more look-ups than
// the limit allows requests. Who was known at that address before goes on.
func TestP17_AFloodOfMadeUpCredentialsIsNotLookedUp(t *testing.T) {
	const burst = 30 // of SAJIN_RATE_LIMIT=10
	synctest.Test(t, func(t *testing.T) {
		store := &lookedUp{Store: &accountstest.Store{}}
		people := accounts.New(store, &accountstest.Hasher{}, accounts.Options{})
		if _, err := people.CreateOwner(t.Context(), accounts.NewAccount{Name: personName, Password: password}); err != nil {
			t.Fatal(err)
		}
		h := newSite(t, func(s *site) {
			s.options.Addr, s.options.Accounts, s.options.RateLimit = "127.0.0.1:8080", people, burst/3
		}).server.Handler()
		in, err := people.SignIn(t.Context(), personName, password, accounts.Visit{})
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := people.MakeToken(t.Context(), in.Actor, "laptop")
		if err != nil {
			t.Fatal(err)
		}
		me, program := "Cookie: sajin_session_8080="+in.SessionToken, "Authorization: Bearer "+text
		want := func(what string, status int, headers ...string) {
			t.Helper()
			if w := ask(h, "/api/v1/months", "198.51.100.1", headers...); w.Code != status || status == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: %d %v, want %d", what, w.Code, w.Header(), status)
			}
		}
		want("a browser", http.StatusOK, me)
		store.asked.Store(0)
		flood := func(n int) {
			for i := range n {
				made := []string{"Cookie: sajin_session_8080=" + fmt.Sprintf("%026d", i), "Authorization: Bearer " + text[:len(text)-6] + fmt.Sprintf("%06d", i)}[i%2]
				ask(h, "/api/v1/months", "198.51.100.1", made)
			}
		}
		for _, tt := range []struct{ requests, lookUps int64 }{{burst - 1, burst - 1}, {1, burst}, {1, burst}, {1000, burst}} {
			if flood(int(tt.requests)); store.asked.Load() != tt.lookUps {
				t.Errorf("after %d more the store was asked %d times, want %d", tt.requests, store.asked.Load(), tt.lookUps)
			}
		}
		want("the browser", http.StatusOK, me)
		want("a program that was never here", http.StatusTooManyRequests, program)
		if w := ask(h, "/api/v1/months", "198.51.100.2", program); w.Code != http.StatusOK {
			t.Errorf("the program elsewhere: %d", w.Code)
		}
		want("the program, which is known now", http.StatusOK, program)
		time.Sleep(99 * time.Millisecond)
		asked := store.asked.Load()
		flood(2)
		if store.asked.Load() != asked {
			t.Error("made-up credentials are looked up before their time")
		}
		time.Sleep(time.Millisecond)
		flood(2)
		if n := store.asked.Load() - asked; n != 1 {
			t.Errorf("a tenth of a second later %d are looked up, want 1", n)
		}
		if err := people.SignOut(t.Context(), in.Actor, ""); err != nil {
			t.Fatal(err)
		}
		if w := ask(h, "/api/v1/months", "198.51.100.1", me); w.Code == http.StatusOK {
			t.Errorf("a session that has ended is still let in: %d", w.Code)
		}
	})
}
