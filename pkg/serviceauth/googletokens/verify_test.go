package googletokens

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/jwks"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens/googletest"
)

func TestMain(m *testing.M) {
	// Linking Google's SDKs starts it, for as long as the process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

func TestWhatGoogleMustSay(t *testing.T) {
	g := googletest.New()
	v := verifier(t, g)
	for name, tt := range map[string]struct {
		claim string
		value any // nil leaves it out
		ok    bool
	}{
		"the short issuer":         {"iss", "accounts.google.com", true},
		"another issuer":           {"iss", "https://evil.example", false},
		"the issuer of IAP":        {"iss", "https://cloud.google.com/iap", false},
		"no issuer":                {"iss", nil, false},
		"no address":               {"email", nil, false},
		"an address not verified":  {"email_verified", false, false},
		"an address that is text":  {"email", 7, false},
		"verified in words":        {"email_verified", "true", false},
		"not said to be verified":  {"email_verified", nil, false},
		"no end":                   {"exp", nil, false},
		"an end in words":          {"exp", "tomorrow", false},
		"made in the future":       {"iat", time.Now().Add(time.Hour).Unix(), false},
		"a clock that is 20 s off": {"iat", time.Now().Add(20 * time.Second).Unix(), true},
	} {
		claims := good()
		claims[tt.claim] = tt.value
		if tt.value == nil {
			delete(claims, tt.claim)
		}
		got, err := v.Verify(t.Context(), token(t, claims))
		if tt.ok != (err == nil && got == web) || (!tt.ok && !errors.Is(err, serviceauth.ErrToken)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	claims := good()
	claims["aud"] = []string{audience, "https://other.example"}
	if got, err := v.Verify(t.Context(), token(t, claims)); !errors.Is(err, serviceauth.ErrAudience) {
		t.Errorf("for two audiences: %q, %v", got, err)
	}
	if g.Asked() != 1 {
		t.Errorf("Google's keys were fetched %d times, want once", g.Asked())
	}
}

func TestAVerifierNeedsAnAudience(t *testing.T) {
	if _, err := NewVerifier("", nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("NewVerifier: %v", err)
	}
}

// S01: a flood of tokens with made-up keys costs one fetch in half a minute.
func TestS01_KeysAreNotFetchedForEveryToken(t *testing.T) {
	unknown := googletest.Sign(t, jose.RS256, googletest.Keys()[1], "k9", good())
	synctest.Test(t, func(t *testing.T) {
		g := googletest.New()
		v := verifier(t, g)
		var flood sync.WaitGroup
		for range 200 {
			flood.Go(func() {
				if _, err := v.Verify(t.Context(), unknown); !errors.Is(err, serviceauth.ErrToken) {
					t.Errorf("an unknown key: %v", err)
				}
			})
		}
		flood.Wait()
		if g.Asked() != 1 {
			t.Errorf("200 tokens cost %d fetches", g.Asked())
		}
		time.Sleep(jwks.Pause)
		_, _ = v.Verify(t.Context(), unknown)
		_, _ = v.Verify(t.Context(), unknown)
		if g.Asked() != 2 {
			t.Errorf("after the pause: %d fetches", g.Asked())
		}
		for _, junk := range []string{"", "x", "a.b.c", strings.Repeat("a.", 1000)} {
			_, _ = v.Verify(t.Context(), junk)
		}
		if g.Asked() != 2 {
			t.Error("what is no token cost a fetch")
		}
	})
}

// F43: Google begins to sign with a new key.
func TestF43_ANewKeyIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := googletest.New()
		v := verifier(t, g)
		if _, err := v.Verify(t.Context(), token(t, good())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(jwks.Pause)
		g.Set(func(g *googletest.Google) { g.IDs = []string{"k1", "k2"} })
		for range 3 {
			if got, err := v.Verify(t.Context(), googletest.Sign(t, jose.RS256, googletest.Keys()[1], "k2", good())); got != web || err != nil {
				t.Errorf("the new key: %q, %v", got, err)
			}
			if _, err := v.Verify(t.Context(), token(t, good())); err != nil {
				t.Errorf("the old key: %v", err)
			}
		}
		if g.Asked() != 2 {
			t.Errorf("%d fetches, want 2", g.Asked())
		}
	})
}

// F43: the keys cannot be fetched. Those that are held are good until they
// expire; then, and for any other, nobody gets in, for now.
func TestF43_TheKeysCannotBeFetched(t *testing.T) {
	for name, break_ := range map[string]func(*googletest.Google){
		"nobody answers":     func(g *googletest.Google) { g.Err = errors.New("connection refused") },
		"HTML":               func(g *googletest.Google) { g.Body = "<html>" },
		"more than is taken": func(g *googletest.Google) { g.Body = `{"keys":[` + strings.Repeat(" ", jwks.MaxBytes) + `]}` },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := googletest.New()
				v := verifier(t, g)
				old, unknown := token(t, good()), googletest.Sign(t, jose.RS256, googletest.Keys()[1], "k2", good())
				if _, err := v.Verify(t.Context(), old); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				g.Set(break_)
				if _, err := v.Verify(t.Context(), unknown); fault.KindOf(err) != fault.Unavailable {
					t.Errorf("an unknown key: %v", err)
				}
				time.Sleep(58 * time.Minute)
				if got, err := v.Verify(t.Context(), old); got != web || err != nil {
					t.Errorf("a key that is held: %q, %v", got, err)
				}
				time.Sleep(2 * time.Minute)
				late := token(t, good())
				for range 10 {
					if _, err := v.Verify(t.Context(), late); fault.KindOf(err) != fault.Unavailable {
						t.Errorf("a key that has expired: %v", err)
					}
				}
				if g.Asked() > 3 {
					t.Errorf("%d fetches while nobody answers", g.Asked())
				}
				g.Set(func(g *googletest.Google) { g.Err, g.Body = nil, "" })
				time.Sleep(jwks.Pause)
				if got, err := v.Verify(t.Context(), late); got != web || err != nil {
					t.Errorf("back again: %q, %v", got, err)
				}
			})
		})
	}
}
