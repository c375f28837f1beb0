// Package identity says who is acting, and makes and checks the ids of images.
//
// It carries the acting user through a context; it does not know how the user
// signed in, nor what the user may see: that is the catalog's decision.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// Owner is the id of the person an image belongs to.
type Owner string

// LocalOwner is the one owner of a gallery without accounts.
const LocalOwner Owner = "local"

// OwnerHeader carries the acting owner from the edge to a service: signed over a
// network, plain within a process and behind a serviceauth.Guard. A service may
// believe it only from there.
const OwnerHeader = "Sajin-Acting-Owner"

// MaxOwnerBytes bounds an owner id, which is part of keys in the database.
const MaxOwnerBytes = 64

type ownerKey struct{}

// WithOwner returns a context in which owner acts.
func WithOwner(ctx context.Context, owner Owner) context.Context {
	return context.WithValue(ctx, ownerKey{}, owner)
}

// OwnerFrom is the acting owner of ctx, or "" when nobody is known.
func OwnerFrom(ctx context.Context) Owner {
	owner, _ := ctx.Value(ownerKey{}).(Owner)
	return owner
}

// ParseOwner checks an owner id that came from outside: 1 to MaxOwnerBytes of
// lower-case letters, digits, '-', '_', '.', not starting with '.'.
func ParseOwner(s string) (Owner, bool) {
	if s == "" || len(s) > MaxOwnerBytes || s[0] == '.' {
		return "", false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return "", false
		}
	}
	return Owner(s), true
}

var (
	entropyMu sync.Mutex // ulid's monotonic reader is not safe for concurrent use
	entropy   = ulid.Monotonic(rand.Reader, 0)
)

// NewImageID makes a ULID (26 characters, upper case) for the given time; one
// before 1970, from a clock that was never set, counts as 1970. Ids made in one
// process within a millisecond keep their order. Safe for concurrent use.
func NewImageID(now time.Time) string {
	entropyMu.Lock()
	defer entropyMu.Unlock()
	id, err := ulid.New(millisecond(now), entropy)
	if err != nil { // 80 bits of a millisecond used up: start from fresh entropy
		id = ulid.MustNew(millisecond(now), rand.Reader)
	}
	return id.String()
}

// DerivedImageID is the id of an image that came at the given time from a source
// with a name of its own: the same id however often it is asked for.
func DerivedImageID(at time.Time, source string) string {
	var id ulid.ULID
	_ = id.SetTime(millisecond(at)) // within what an id can hold
	sum := sha256.Sum256([]byte(source))
	_ = id.SetEntropy(sum[:10]) // its length
	return id.String()
}

// millisecond is a time as an id holds it, within what an id can hold.
func millisecond(at time.Time) uint64 {
	return min(uint64(max(at.UnixMilli(), 0)), ulid.MaxTime())
}

// ValidImageID reports whether s is a ULID in its one canonical spelling, so
// that it is safe in a path, a key and a query.
func ValidImageID(s string) bool {
	if len(s) != ulid.EncodedSize || s != strings.ToUpper(s) {
		return false
	}
	id, err := ulid.ParseStrict(s)
	return err == nil && id.String() == s
}

// ImageTime is the moment, to the millisecond, that a valid image id was made
// at; the zero time for anything else.
func ImageTime(id string) time.Time {
	if !ValidImageID(id) {
		return time.Time{}
	}
	return ulid.Time(ulid.MustParseStrict(id).Time()).UTC()
}

// FirstImageID is not greater than any image id made at or after the given
// time, so that a listing of ids can begin there.
func FirstImageID(at time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(millisecond(at)) // fails only beyond what an id can hold
	return id.String()
}
