package accounts_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

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
