package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/netip"
	"strings"
	"time"
)

// Guessing is made slow, and not impossible: whoever could lock an account
// could lock its owner out. Each wrong password beyond the first few doubles a
// wait, for the name and for the address that it came from. A browser that the
// owner has signed in with before is counted by itself, so that it gets in
// whoever else is guessing.
const (
	freeByName    = 5  // wrong passwords for a name, or from a known browser
	freeByAddress = 20 // many people may share one
	firstWait     = time.Second
	longestWait   = 15 * time.Minute
	forgetAfter   = 24 * time.Hour
	// settleWithin is how long the end of a try may take to be noted, after whoever
	// tried has left.
	settleWithin = 5 * time.Second
)

// Attempts is what is known of a bucket: how often it was tried in vain, when
// last, and when it may be tried next.
type Attempts struct {
	Failures int
	Last     time.Time
	Next     time.Time
}

// What is counted.
const (
	byName    = "name:"
	byDevice  = "device:"
	byAddress = "address:"
)

// bucket names what is counted. It has so few digits of the hash that the
// buckets are at most a million, whatever an attacker makes up; two names share
// one by a chance of one in a million.
func bucket(kind, of string) string {
	sum := sha256.Sum256([]byte(of))
	return kind + hex.EncodeToString(sum[:])[:5]
}

// Network is the part of an address that one person has: a whole IPv6 network of
// 64 bits, from which its holder takes addresses at will. What is no address
// stays as it is.
func Network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.Prefix(64) // of an IPv6 address, it cannot fail
	return prefix.String()
}

// free is how many failures of a bucket cost nothing.
func free(bucket string) int {
	if strings.HasPrefix(bucket, byAddress) {
		return freeByAddress
	}
	return freeByName
}

// failed is a after one more failure.
func (a Attempts) failed(now time.Time, free int) Attempts {
	if now.Sub(a.Last) > forgetAfter {
		a = Attempts{}
	}
	a.Failures++
	a.Last, a.Next = now, now
	if over := a.Failures - free; over >= 0 {
		a.Next = now.Add(min(firstWait<<min(over, 30), longestWait))
	}
	return a
}

// try is one attempt, counted as a failure until it is known to be none: many
// at once are not more than the same after each other.
type try struct {
	buckets []string
	before  map[string]Attempts
	after   map[string]Attempts
}

// attempt counts a try, or refuses it while one of its buckets must wait. That it
// is refused is remembered for a moment, and then the store is not asked.
func (s *Service) attempt(ctx context.Context, buckets ...string) (try, error) {
	if wait := s.refused.wait(s.now(), buckets...); wait > 0 {
		return try{}, ErrAttempts.RetryAfter(wait)
	}
	var t try
	var said map[string]Attempts
	err := s.store.Attempt(ctx, buckets, func(known map[string]Attempts) error {
		t = try{buckets, map[string]Attempts{}, map[string]Attempts{}}
		now := s.now()
		var wait time.Duration
		for _, b := range buckets {
			wait = max(wait, known[b].Next.Sub(now))
		}
		if wait > 0 && wait <= longestWait { // beyond that a clock was set back
			said = maps.Clone(known)
			return ErrAttempts.RetryAfter(wait)
		}
		for _, b := range buckets {
			t.before[b], known[b] = known[b], known[b].failed(now, free(b))
			t.after[b] = known[b]
		}
		return nil
	})
	if errors.Is(err, ErrAttempts) {
		s.refused.note(s.now(), said)
	}
	return t, err
}

// settle ends a try by how it went: wrong stays counted, right is forgotten, and
// what was not decided (err) is taken back as far as nobody has tried since. It
// returns err.
func (s *Service) settle(ctx context.Context, t try, ok bool, err error) error {
	if !ok && err == nil {
		return nil
	}
	// Whoever leaves early does not get around the count.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	defer s.refused.forget(t.buckets)
	return errors.Join(err, s.store.Attempt(ctx, t.buckets, func(known map[string]Attempts) error {
		for b, a := range known {
			switch {
			case ok && free(b) == freeByName:
				known[b] = Attempts{}
			case a.same(t.after[b]):
				known[b] = t.before[b]
			case a.Failures > 0:
				a.Failures--
				known[b] = a
			}
		}
		return nil
	}))
}

func (a Attempts) same(b Attempts) bool {
	return a.Failures == b.Failures && a.Last.Equal(b.Last) && a.Next.Equal(b.Next)
}
