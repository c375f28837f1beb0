package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
)

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
