package accountstest

import (
	"context"
	"sync/atomic"

	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// Hasher is an accounts.Hasher that costs nothing. It counts its work.
type Hasher struct {
	Verified atomic.Int64 // calls of Verify
	Busy     atomic.Bool  // answer accounts.ErrBusy
}

var _ accounts.Hasher = (*Hasher)(nil)

// Hash keeps the password readable, which is good enough here.
func (h *Hasher) Hash(_ context.Context, password string) (string, error) {
	if h.Busy.Load() {
		return "", accounts.ErrBusy
	}
	return "hash of " + password, nil
}

// Verify compares.
func (h *Hasher) Verify(_ context.Context, hash, password string) (bool, error) {
	h.Verified.Add(1)
	if h.Busy.Load() {
		return false, accounts.ErrBusy
	}
	return hash == "hash of "+password, nil
}
