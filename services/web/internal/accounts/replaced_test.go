package accounts_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// overtaken is a hasher beside whose work something else happens.
type overtaken struct {
	accounts.Hasher
	meanwhile func()
}

func (h overtaken) Verify(ctx context.Context, hash, password string) (bool, error) {
	ok, err := h.Hasher.Verify(ctx, hash, password)
	h.meanwhile()
	return ok, err
}

// A new password ends what the one before let in, and what it is letting in at
// that moment.
func TestNobodyComesInBesideANewPassword(t *testing.T) {
	w := claimed(t)
	before := w.enter(accounts.Visit{})
	const fresh = "quite another password"
	late := accounts.New(w.store, overtaken{w.hasher, func() {
		if _, err := w.ResetPassword(t.Context(), name, fresh); err != nil {
			t.Error(err)
		}
	}}, accounts.Options{Now: func() time.Time { return time.Unix(0, w.now.Load()) }, Log: slog.New(slog.DiscardHandler)})
	_, err := late.SignIn(t.Context(), name, password, accounts.Visit{Address: "192.0.2.1"})
	w.want("a sign-in with the password before", err, accounts.ErrCredentials)
	_, _, err = w.MakeToken(t.Context(), before.Actor, "script")
	w.want("a token by a session before", err, accounts.ErrUnauthenticated)
	in, err := w.signIn(name, fresh, accounts.Visit{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := w.Sessions(t.Context(), in.Actor)
	if err != nil || len(sessions) != 1 || sessions[0].ID != in.Session {
		t.Errorf("the sessions are %+v, %v", sessions, err)
	}
	if _, _, err := w.MakeToken(t.Context(), in.Actor, "script"); err != nil {
		t.Errorf("a token by the session after: %v", err)
	}
}
