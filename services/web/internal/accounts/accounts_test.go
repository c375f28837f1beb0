package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
)

const (
	name     = "홍길동"
	email    = "Hong@example.org"
	password = "correct horse battery"
)

func TestTheStoreInMemory(t *testing.T) {
	accountstest.RunStore(t, func(*testing.T) accounts.Store { return &accountstest.Store{} })
}

// world is a service over doubles, whose clock stands.
type world struct {
	*testing.T
	*accounts.Service
	store  *accountstest.Store
	hasher *accountstest.Hasher
	now    atomic.Int64 // nanoseconds
}

// empty is a world without an account.
func empty(t *testing.T) *world {
	w := &world{T: t, store: &accountstest.Store{}, hasher: &accountstest.Hasher{}}
	w.now.Store(accountstest.Noon.UnixNano())
	w.Service = w.another("")
	return w
}

// another is another process on the same store.
func (w *world) another(setupToken string) *accounts.Service {
	return accounts.New(w.store, w.hasher, accounts.Options{
		SetupToken: setupToken, Now: func() time.Time { return time.Unix(0, w.now.Load()) }, Log: slog.New(slog.DiscardHandler),
	})
}

func (w *world) pass(d time.Duration) { w.now.Add(int64(d)) }

// claimed has the owner's account.
func claimed(t *testing.T) *world {
	w := empty(t)
	if _, err := w.CreateOwner(t.Context(), accounts.NewAccount{Name: name, Email: email, Password: password}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) signIn(who, password string, v accounts.Visit) (accounts.SignedIn, error) {
	if v.Address == "" {
		v.Address = "192.0.2.1"
	}
	return w.SignIn(w.Context(), who, password, v)
}

// enter signs in, which must work.
func (w *world) enter(v accounts.Visit) accounts.SignedIn {
	w.Helper()
	in, err := w.signIn(name, password, v)
	if err != nil {
		w.Fatal(err)
	}
	return in
}

func (w *world) resume(token string) (renewed string, err error) {
	_, renewed, err = w.Resume(w.Context(), token)
	return renewed, err
}

func (w *world) want(what string, err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestTheFirstAccountHasWhatIsThere(t *testing.T) {
	w := empty(t)
	token, err := w.Invite(t.Context())
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	in, err := w.SetUp(t.Context(), token, accounts.NewAccount{Name: " " + name + " ", Email: email, Password: password}, accounts.Visit{})
	if err != nil || in.Account.ID != "local" || in.Account.Name != name || in.Account.Role != accounts.RoleOwner {
		t.Fatalf("%+v, %v", in.Account, err)
	}
	if _, err := w.resume(in.SessionToken); err != nil {
		t.Errorf("they are not signed in: %v", err)
	}
	w.want("the link again", w.CheckInvitation(t.Context(), token), accounts.ErrSetUp)
	if again, err := w.Invite(t.Context()); again != "" || err != nil {
		t.Errorf("another is invited with %q, %v", again, err)
	}
}

func TestSetupLinks(t *testing.T) {
	w := empty(t)
	first, _ := w.Invite(t.Context())
	second, _ := w.another("").Invite(t.Context())
	for _, token := range []string{first, second} {
		w.want("a link", w.CheckInvitation(t.Context(), token), nil)
	}
	for _, token := range []string{"", "x", strings.ToLower(first), first + "A", strings.Repeat("A", 10_000)} {
		w.want("another", w.CheckInvitation(t.Context(), token), accounts.ErrSetupToken)
	}
	w.pass(accounts.SetupLife - time.Millisecond)
	w.want("at the last moment", w.CheckInvitation(t.Context(), first), nil)
	w.pass(time.Millisecond)
	w.want("a day later", w.CheckInvitation(t.Context(), first), accounts.ErrSetupToken)
	_, err := w.SetUp(t.Context(), first, accounts.NewAccount{Name: name, Password: password}, accounts.Visit{})
	w.want("a set-up a day later", err, accounts.ErrSetupToken)
}

func TestAChosenSetupTokenIsGoodUntilThereIsAnAccount(t *testing.T) {
	w := empty(t)
	s := w.another("chosen by the operator")
	if token, err := s.Invite(t.Context()); token != "chosen by the operator" || err != nil {
		t.Fatal(token, err)
	}
	w.pass(100 * 24 * time.Hour)
	w.want("later", s.CheckInvitation(t.Context(), "chosen by the operator"), nil)
	w.want("another", s.CheckInvitation(t.Context(), "chosen by the operatoR"), accounts.ErrSetupToken)
}

func TestOfManySetUpsAtOnceOneWins(t *testing.T) {
	w := empty(t)
	token, err := w.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var won atomic.Int64
	for n := range 20 {
		wg.Go(func() {
			_, err := w.SetUp(t.Context(), token, accounts.NewAccount{Name: fmt.Sprint("n", n), Password: password}, accounts.Visit{})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, accounts.ErrSetUp):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d made an account", won.Load())
	}
}

// interrupted is a store where something happens before a link is looked up.
type interrupted struct {
	accounts.Store
	before func()
}

func (s interrupted) HasSetup(ctx context.Context, hash string, now time.Time) (bool, error) {
	s.before()
	return s.Store.HasSetup(ctx, hash, now)
}

// All links end with the account. Whoever is late by a moment reads that the
// gallery is set up, and not that the link was wrong.
func TestASetUpThatIsLateByAMoment(t *testing.T) {
	w := empty(t)
	token, err := w.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	late := accounts.New(interrupted{w.store, func() {
		if _, err := w.CreateOwner(t.Context(), accounts.NewAccount{Name: name, Password: password}); err != nil {
			t.Fatal(err)
		}
	}}, w.hasher, accounts.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	w.want("late", late.CheckInvitation(t.Context(), token), accounts.ErrSetUp)
}

func TestWhatIsEntered(t *testing.T) {
	long := strings.Repeat("가", accounts.MaxNameRunes)
	for _, tt := range []struct{ name, email, password, code string }{
		{name, "", password, ""},
		{long, "", password, ""},
		{long + "가", "", password, "name_invalid"},
		{"", "", password, "name_invalid"},
		{"  ", "", password, "name_invalid"},
		{"a@b", "", password, "name_invalid"},
		{"a\x00b", "", password, "name_invalid"},
		{"a\nb", "", password, "name_invalid"},
		{name, "hong", password, "email_invalid"},
		{name, "Hong <hong@example.org>", password, "email_invalid"},
		{name, strings.Repeat("a", accounts.MaxEmailBytes-len("@b.example")) + "@b.example", password, ""},
		{name, strings.Repeat("a", accounts.MaxEmailBytes+1-len("@b.example")) + "@b.example", password, "email_invalid"},
		{name, strings.Repeat("\ufdfa", 60) + "@b.example", password, "email_invalid"}, // each is eighteen letters
		{strings.Repeat("\ufdfa", 60), "", password, "name_invalid"},
		{name, "", strings.Repeat("a", accounts.MinPasswordRunes), ""},
		{name, "", strings.Repeat("a", accounts.MinPasswordRunes-1), "password_too_short"},
		{name, "", strings.Repeat("가", accounts.MinPasswordRunes-1), "password_too_short"}, // characters, not bytes
		{name, "", "", "password_too_short"},
		{name, "", strings.Repeat("a", accounts.MaxPasswordBytes), ""},
		{name, "", strings.Repeat("a", accounts.MaxPasswordBytes+1), "password_too_long"},
		{name, "", "with\x00nul in it", "password_invalid"},
		{"hong gil-dong", "", "Hong Gil-dong", "password_guessable"},
		{name, "hong@example.org", "HONG@example.org", "password_guessable"},
	} {
		w := empty(t)
		_, err := w.CreateOwner(t.Context(), accounts.NewAccount{Name: tt.name, Email: tt.email, Password: tt.password})
		if code := fault.Public(err).Code; err == nil && tt.code != "" || err != nil && code != tt.code {
			t.Errorf("%.20q %.20q %.20q: %v, want %q", tt.name, tt.email, tt.password, err, tt.code)
		}
	}
}

func TestSignInByEverySpelling(t *testing.T) {
	w := claimed(t)
	for _, who := range []string{name, "  홍길동 ", "\u1112\u1169\u11bc\u1100\u1175\u11af\u1103\u1169\u11bc", "hong@example.org", "HONG@EXAMPLE.ORG", email} {
		if _, err := w.signIn(who, password, accounts.Visit{}); err != nil {
			t.Errorf("%q: %v", who, err)
		}
	}
}

func TestA02_UnknownAndWrongAreTheSame(t *testing.T) {
	w := claimed(t)
	_, wrong := w.signIn(name, "not the password", accounts.Visit{})
	before := w.hasher.Verified.Load()
	_, unknown := w.signIn("nobody", "not the password", accounts.Visit{})
	if w.hasher.Verified.Load() != before+1 {
		t.Error("for an unknown name no password was compared")
	}
	if fmt.Sprint(wrong) != fmt.Sprint(unknown) || !errors.Is(wrong, accounts.ErrCredentials) {
		t.Errorf("%v and %v", wrong, unknown)
	}
	for range 30 {
		_, wrong = w.signIn(name, "x", accounts.Visit{Address: "192.0.2.7"})
		_, unknown = w.signIn("nobody", "x", accounts.Visit{Address: "192.0.2.8"})
		if fmt.Sprint(wrong) != fmt.Sprint(unknown) {
			t.Fatalf("%v and %v", wrong, unknown)
		}
	}
}

func TestA03_WhatIsNoPassword(t *testing.T) {
	w := claimed(t)
	for _, text := range []string{"", "c", "correct horse batter", password + " ", password + "\x00", "correct\x00", strings.Repeat("가", 300), strings.Repeat("x", 72), strings.Repeat("x", 73)} {
		_, err := w.signIn(name, text, accounts.Visit{Address: "2001:db8:" + fmt.Sprint(len(text)) + "::1"})
		if err == nil {
			t.Errorf("%.20q lets in", text)
		}
	}
	w = claimed(t)
	before := w.hasher.Verified.Load()
	_, err := w.signIn(name, strings.Repeat("x", 10_000), accounts.Visit{})
	if fault.Public(err).Code != "password_too_long" || w.hasher.Verified.Load() != before {
		t.Errorf("10,000 bytes: %v", err)
	}
}

// A long password counts to its end: nothing of it is cut off.
func TestA03_EveryByteOfAPasswordCounts(t *testing.T) {
	w := empty(t)
	long := strings.Repeat("x", 100)
	if _, err := w.CreateOwner(t.Context(), accounts.NewAccount{Name: name, Password: long}); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn(name, long[:72], accounts.Visit{})
	w.want("its first 72 bytes", err, accounts.ErrCredentials)
	_, err = w.signIn(name, long, accounts.Visit{})
	w.want("all of it", err, nil)
}

func TestNoAccountWithoutAPasswordIsEntered(t *testing.T) {
	w := empty(t)
	if _, err := w.Admit(t.Context(), accounts.Asserted{Subject: "google:1", Email: email}); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn(email, "", accounts.Visit{})
	w.want("an empty password", err, accounts.ErrCredentials)
}

func TestAnOpenSessionDoesNotGuessThePassword(t *testing.T) {
	w := claimed(t)
	in := w.enter(accounts.Visit{})
	var err error
	for range 6 {
		_, err = w.ChangePassword(t.Context(), in.Actor, "wrong", "another long password", accounts.Visit{})
	}
	w.want("the sixth guess", err, accounts.ErrAttempts)
	_, err = w.signIn(name, password, accounts.Visit{})
	w.want("the password was not changed", err, nil)
}

func TestAStoreThatIsAwayLetsNobodyIn(t *testing.T) {
	w := claimed(t)
	in := w.enter(accounts.Visit{})
	text, _, err := w.MakeToken(t.Context(), in.Actor, "laptop")
	if err != nil {
		t.Fatal(err)
	}
	w.store.FailWith(fault.New(fault.Unavailable, "database_unavailable", ""))
	_, signIn := w.signIn(name, password, accounts.Visit{})
	_, resume := w.resume(in.SessionToken)
	_, byToken := w.ByToken(t.Context(), text)
	_, admit := w.Admit(t.Context(), accounts.Asserted{Subject: "google:1", Email: email})
	for what, err := range map[string]error{"sign-in": signIn, "session": resume, "token": byToken, "assertion": admit, "wait": w.Still(t.Context(), in.Actor)} {
		if fault.KindOf(err) != fault.Unavailable || err == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhatHasEndedIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &accountstest.Store{}
		s := accounts.New(store, &accountstest.Hasher{}, accounts.Options{Log: slog.New(slog.DiscardHandler)})
		if _, err := s.CreateOwner(t.Context(), accounts.NewAccount{Name: name, Password: password}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t.Context(), name, password, accounts.Visit{}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.RunTidy(ctx); close(done) }()
		left := func() int {
			synctest.Wait()
			all, err := store.SessionsOf(t.Context(), accounts.FirstID)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		time.Sleep(accounts.SessionIdle - time.Second)
		if left() != 1 {
			t.Error("a session that is good was deleted")
		}
		time.Sleep(time.Hour)
		if left() != 0 {
			t.Error("a session that has ended is kept")
		}
		stop()
		<-done
	})
}

// stuck is a store that does not answer once a password was compared.
type stuck struct {
	*accountstest.Store
	attempts atomic.Int64
}

func (s *stuck) Attempt(ctx context.Context, buckets []string, decide func(map[string]accounts.Attempts) error) error {
	if s.attempts.Add(1) == 1 {
		return s.Store.Attempt(ctx, buckets, decide)
	}
	<-ctx.Done()
	return fault.Wrap("stuck", ctx.Err())
}

// What a sign-in notes at its end is noted whoever has left, and yet not waited
// for without an end.
func TestASignInEndsThoughTheStoreDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &stuck{Store: &accountstest.Store{}}
		s := accounts.New(store, &accountstest.Hasher{}, accounts.Options{Log: slog.New(slog.DiscardHandler)})
		if _, err := s.CreateOwner(t.Context(), accounts.NewAccount{Name: name, Password: password}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := s.SignIn(ctx, name, password, accounts.Visit{Address: "192.0.2.1"})
			ended <- err
		}()
		select {
		case err := <-ended:
			if kind := fault.KindOf(err); kind != fault.Timeout {
				t.Errorf("it ended with %v (%v)", err, kind)
			}
		case <-time.After(time.Minute):
			t.Fatal("it waits still")
		}
	})
}
