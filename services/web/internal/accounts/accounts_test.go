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

func TestA05_EverySignInHasANewToken(t *testing.T) {
	w := claimed(t)
	first := w.enter(accounts.Visit{Session: "chosen by an attacker"})
	second := w.enter(accounts.Visit{Session: first.SessionToken})
	if first.SessionToken == second.SessionToken || first.SessionToken == "chosen by an attacker" {
		t.Fatal("a token was taken over")
	}
	for what, token := range map[string]string{"what an attacker chose": "chosen by an attacker", "the one before": first.SessionToken} {
		_, err := w.resume(token)
		w.want(what, err, accounts.ErrUnauthenticated)
	}
	changed, err := w.ChangePassword(t.Context(), second.Actor, password, "another long password", accounts.Visit{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.resume(second.SessionToken)
	w.want("after a new password the one before", err, accounts.ErrUnauthenticated)
	_, err = w.resume(changed.SessionToken)
	w.want("the new one", err, nil)
}

func TestA06_WhatEndsEndsAtOnce(t *testing.T) {
	for what, end := range map[string]func(*world, accounts.SignedIn) error{
		"sign out":            func(w *world, in accounts.SignedIn) error { return w.SignOut(w.Context(), in.Actor, "") },
		"sign out everywhere": func(w *world, in accounts.SignedIn) error { return w.SignOutEverywhere(w.Context(), in.Actor) },
		"from another browser": func(w *world, in accounts.SignedIn) error {
			return w.SignOut(w.Context(), w.enter(accounts.Visit{}).Actor, in.Session)
		},
		"a new password": func(w *world, in accounts.SignedIn) error {
			_, err := w.ChangePassword(w.Context(), in.Actor, password, "another long password", accounts.Visit{})
			return err
		},
		"a password from the console": func(w *world, _ accounts.SignedIn) error {
			_, err := w.ResetPassword(w.Context(), email, "another long password")
			return err
		},
	} {
		w := claimed(t)
		in := w.enter(accounts.Visit{})
		token, _, err := w.MakeToken(t.Context(), in.Actor, "laptop")
		w.want(what, errors.Join(err, w.Still(t.Context(), in.Actor), end(w, in)), nil)
		_, err = w.resume(in.SessionToken)
		w.want(what+": the cookie", err, accounts.ErrUnauthenticated)
		w.want(what+": a request that waits", w.Still(t.Context(), in.Actor), accounts.ErrUnauthenticated)
		if strings.Contains(what, "password") {
			_, err = w.ByToken(t.Context(), token)
			w.want(what+": a token", err, accounts.ErrUnauthenticated)
			for range 6 {
				_, _ = w.signIn(name, "wrong", accounts.Visit{Address: "198.51.100.9"})
			}
			_, err = w.signIn(name, "another long password", accounts.Visit{Device: in.DeviceToken})
			w.want(what+": a known browser", err, accounts.ErrAttempts)
		}
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	w := claimed(t)
	in := w.enter(accounts.Visit{})
	w.pass(accounts.SessionIdle - time.Second)
	renewed, err := w.resume(in.SessionToken)
	w.want("a second before it is idle for too long", err, nil)
	w.pass(accounts.SessionIdle)
	_, err = w.resume(renewed)
	w.want("idle for too long", err, accounts.ErrUnauthenticated)

	token := w.enter(accounts.Visit{}).SessionToken
	for range int(accounts.SessionLife / (24 * time.Hour)) {
		if renewed, err = w.resume(token); err != nil {
			t.Fatal(err)
		}
		if renewed != "" {
			token = renewed
		}
		w.pass(24 * time.Hour)
	}
	_, err = w.resume(token)
	w.want("used every day for too long", err, accounts.ErrUnauthenticated)
}

func TestTokensRotate(t *testing.T) {
	w := claimed(t)
	first := w.enter(accounts.Visit{}).SessionToken
	renewed, err := w.resume(first)
	if renewed != "" || err != nil {
		t.Fatalf("at once: %q, %v", renewed, err)
	}
	w.pass(accounts.RotateEvery)
	second, err := w.resume(first)
	if second == "" || err != nil {
		t.Fatalf("after half a day: %q, %v", second, err)
	}
	again, err := w.resume(first)
	if again != "" || err != nil {
		t.Errorf("a request that came with it: %q, %v", again, err)
	}
	_, err = w.resume(second)
	w.want("the new one", err, nil)
	w.pass(accounts.RotateGrace)
	_, err = w.resume(first)
	w.want("the one before, once the new one was used", err, accounts.ErrUnauthenticated)
	_, err = w.resume(second)
	w.want("the new one, whoever tried the other", err, nil)
}

// An answer that was lost signs nobody out.
func TestATokenThatNeverArrived(t *testing.T) {
	w := claimed(t)
	first := w.enter(accounts.Visit{}).SessionToken
	for range 3 {
		w.pass(accounts.RotateEvery)
		if renewed, err := w.resume(first); renewed == "" || err != nil {
			t.Fatalf("%q, %v", renewed, err)
		}
	}
	w.pass(accounts.RotateGrace)
	last, err := w.resume(first)
	if last == "" || err != nil {
		t.Fatalf("%q, %v", last, err)
	}
	_, err = w.resume(last)
	w.want("the last", err, nil)
}

func TestTokens(t *testing.T) {
	w := claimed(t)
	in := w.enter(accounts.Visit{})
	text, token, err := w.MakeToken(t.Context(), in.Actor, " 노트북 ")
	if err != nil || !strings.HasPrefix(text, "sajin_") || token.Name != "노트북" || strings.Contains(fmt.Sprint(token), text) {
		t.Fatalf("%q, %+v, %v", text, token, err)
	}
	actor, err := w.ByToken(t.Context(), text)
	if err != nil || actor.Account.ID != "local" || actor.Token != token.ID || actor.Session != "" {
		t.Fatalf("%+v, %v", actor, err)
	}
	if all, err := w.Tokens(t.Context(), in.Actor); len(all) != 1 || !all[0].UsedAt.Equal(accountstest.Noon) || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
	for _, other := range []string{"", "sajin_", text + "A", strings.ToLower(text), strings.TrimPrefix(text, "sajin_"), "sajin_" + strings.Repeat("A", 10_000), in.SessionToken} {
		_, err := w.ByToken(t.Context(), other)
		w.want("another", err, accounts.ErrUnauthenticated)
	}
	w.want("revoke", w.Revoke(t.Context(), in.Actor, token.ID), nil)
	_, err = w.ByToken(t.Context(), text)
	w.want("revoked", err, accounts.ErrUnauthenticated)
	w.want("a request that waits", w.Still(t.Context(), actor), accounts.ErrUnauthenticated)
}

func TestLimitsOfTokens(t *testing.T) {
	w := claimed(t)
	in := w.enter(accounts.Visit{})
	for _, bad := range []string{"", " ", strings.Repeat("가", accounts.MaxTokenName+1), "a\nb"} {
		if _, _, err := w.MakeToken(t.Context(), in.Actor, bad); fault.Public(err).Code != "token_name_invalid" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for n := range accounts.MaxTokens {
		if _, _, err := w.MakeToken(t.Context(), in.Actor, strings.Repeat("가", accounts.MaxTokenName)); err != nil {
			t.Fatalf("number %d: %v", n, err)
		}
	}
	_, _, err := w.MakeToken(t.Context(), in.Actor, "one more")
	w.want("one more", err, accounts.ErrTokens)
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

func TestWhoIsAdmitted(t *testing.T) {
	w := empty(t)
	ann := accounts.Asserted{Subject: "google:1", Email: "Ann@example.org"}
	for range 2 {
		a, err := w.Admit(t.Context(), ann)
		if err != nil || a.ID != "local" || a.Name != "Ann" || a.Email != "Ann@example.org" {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	_, err := w.Admit(t.Context(), accounts.Asserted{Subject: "google:2", Email: "ben@example.org"})
	w.want("another", err, accounts.ErrNotInvited)
	_, err = w.Admit(t.Context(), accounts.Asserted{Subject: "google:2", Email: "ann@example.org"})
	w.want("another with her address", err, accounts.ErrNotInvited)
	a, err := w.Admit(t.Context(), accounts.Asserted{Subject: "google:1", Email: "ann@married.example"})
	if err != nil || a.ID != "local" {
		t.Errorf("with a new address: %+v, %v", a, err)
	}
}

// The owner of a gallery with a password goes over to Cloud IAP.
func TestTheOwnersAddressIsTheirs(t *testing.T) {
	w := claimed(t)
	_, err := w.Admit(t.Context(), accounts.Asserted{Subject: "google:2", Email: "ben@example.org"})
	w.want("another", err, accounts.ErrNotInvited)
	a, err := w.Admit(t.Context(), accounts.Asserted{Subject: "google:1", Email: "hong@example.org"})
	if err != nil || a.Name != name || a.Subject != "google:1" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestOfManyWhoComeFirstOneIsTheOwner(t *testing.T) {
	w := empty(t)
	var wg sync.WaitGroup
	var owners atomic.Int64
	for n := range 20 {
		wg.Go(func() {
			_, err := w.Admit(t.Context(), accounts.Asserted{Subject: fmt.Sprint("google:", n/2), Email: fmt.Sprintf("p%d@example.org", n/2)})
			switch {
			case err == nil:
				owners.Add(1)
			case !errors.Is(err, accounts.ErrNotInvited):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := owners.Load(); n != 2 { // both requests of one person
		t.Errorf("%d requests were let in", n)
	}
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
