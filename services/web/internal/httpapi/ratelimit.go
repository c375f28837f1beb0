package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// A gallery that is scrolled fast asks for some hundred thumbnails at once and
// then for none, so the burst is three seconds' worth, and media has a limit of
// its own, three times as high: pictures must not stop because a script asked
// much, nor the other way round.
const (
	burstSeconds = 3
	mediaFactor  = 3
	// maxLimited bounds the memory of one limiter, to some 2 MiB.
	maxLimited = 10_000
)

var errRate = fault.New(fault.RateLimited, "rate_limited", "Too many requests. Please wait a moment.")

// limiter counts the requests of each account, token or address. It is in the
// memory of one process: of n replicas each grants the whole.
type limiter struct {
	perSecond int
	now       func() time.Time

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

func newLimiter(perSecond int) *limiter {
	return &limiter{perSecond: perSecond, now: time.Now, keys: map[string]*rate.Limiter{}}
}

func (l *limiter) burst() int { return burstSeconds * l.perSecond }

// take counts a request. left is how many more may come at once; wait is how
// long until one may, if this one may not.
func (l *limiter) take(key string) (left int, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	one := l.keys[key]
	if one == nil {
		l.makeRoom(now)
		one = rate.NewLimiter(rate.Limit(l.perSecond), l.burst())
		l.keys[key] = one
	}
	ok = one.AllowN(now, 1)
	tokens := one.TokensAt(now)
	if !ok {
		wait = time.Duration((1 - tokens) / float64(l.perSecond) * float64(time.Second))
	}
	return max(0, int(tokens)), wait, ok
}

// makeRoom forgets those who have waited long enough to have their whole burst
// again; and when those are few, anybody, a tenth of all, so that many addresses
// do not make it look through all of them for each.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.keys) < maxLimited {
		return
	}
	for key, one := range l.keys {
		if one.TokensAt(now) >= float64(l.burst()) {
			delete(l.keys, key)
		}
	}
	for key := range l.keys {
		if len(l.keys) <= maxLimited*9/10 {
			return
		}
		delete(l.keys, key)
	}
}

// spent is how long until a request under key may come, if one may not now; it
// counts nothing.
func (l *limiter) spent(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.keys[key]
	if one == nil {
		return 0
	}
	tokens := one.TokensAt(l.now())
	return max(0, time.Duration(math.Ceil((1-tokens)/float64(l.perSecond)*float64(time.Second))))
}

// limitOf is the limiter that a request is counted by; nil for none.
func (s *Server) limitOf(r *http.Request) *limiter {
	switch {
	case s.limits == nil, strings.HasPrefix(r.URL.Path, "/healthz/"):
		return nil
	case strings.HasPrefix(r.URL.Path, "/media/"):
		return s.mediaLimits
	default:
		return s.limits
	}
}

// addressKey counts who is not known, by address or by IPv6 network.
func (s *Server) addressKey(r *http.Request) string {
	return "address " + accounts.Network(s.clientAddress(r))
}

// flooded reports whether an address has asked too much for now to have a
// credential looked up that nobody has known lately. Who is known goes on from the
// same address, and is counted by themselves.
func (s *Server) flooded(w http.ResponseWriter, r *http.Request, credential string) bool {
	l := s.limitOf(r)
	if l == nil || credential == "" || s.lately.has(credential) {
		return false
	}
	wait := l.spent(s.addressKey(r))
	if wait > 0 {
		s.fail(w, r, errRate.RetryAfter(wait))
	}
	return wait > 0
}

// admit counts a request for who asks, and refuses it when they ask too much.
// The probes are not counted.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, actor accounts.Actor, known bool) bool {
	l := s.limitOf(r)
	if l == nil {
		return true
	}
	key := s.addressKey(r)
	switch {
	case known && actor.Token != "":
		key = "token " + actor.Token
	case known:
		key = "account " + string(actor.Account.ID)
	}
	left, wait, ok := l.take(key)
	header := w.Header()
	header.Set("RateLimit-Limit", strconv.Itoa(l.burst()))
	header.Set("RateLimit-Remaining", strconv.Itoa(left))
	header.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(float64(l.burst()-left)/float64(l.perSecond)))))
	if !ok {
		s.fail(w, r, errRate.RetryAfter(wait))
	}
	return ok
}
