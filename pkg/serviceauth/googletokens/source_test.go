package googletokens

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens/googletest"
)

// metadata is a metadata server, as every Google machine has one.
type metadata struct {
	asked atomic.Int32
	life  func(asked int32) time.Duration // of the token it hands out
}

func newMetadata(t *testing.T, life func(int32) time.Duration) *metadata {
	t.Helper()
	m := &metadata{life: life}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(t, w, r) }))
	t.Cleanup(server.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(server.URL, "http://"))
	return m
}

func (m *metadata) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/instance/service-accounts/default/identity") || r.Header.Get("Metadata-Flavor") != "Google" {
		http.NotFound(w, r)
		return
	}
	claims := good()
	claims["aud"] = r.FormValue("audience")
	life := m.life(m.asked.Add(1))
	claims["exp"] = time.Now().Add(life).Unix()
	if life == 0 {
		http.Error(w, "no such account", http.StatusNotFound)
		return
	}
	w.Header().Set("Metadata-Flavor", "Google")
	_, _ = io.WriteString(w, token(t, claims))
}

func TestASourceProvesTheAccount(t *testing.T) {
	m := newMetadata(t, func(int32) time.Duration { return time.Hour })
	s, err := NewSource(audience)
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, googletest.New())
	for range 3 {
		token, err := s.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Verify(t.Context(), token); got != web || err != nil {
			t.Errorf("the token proves %q, %v", got, err)
		}
	}
	if asked := m.asked.Load(); asked != 1 {
		t.Errorf("the metadata server was asked %d times, want once", asked)
	}
}

// The metadata server hands out a token that it has had for an hour.
func TestATokenThatEndsSoonIsNotKept(t *testing.T) {
	m := newMetadata(t, func(asked int32) time.Duration {
		if asked == 1 {
			return spare / 2
		}
		return time.Hour
	})
	s, err := NewSource(audience)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		token, err := s.Token(t.Context())
		if err != nil || endsSoon(token) {
			t.Errorf("ends soon: %v, %v", endsSoon(token), err)
		}
	}
	if asked := m.asked.Load(); asked != 2 {
		t.Errorf("the metadata server was asked %d times, want twice", asked)
	}
}

func TestASourceWithoutATokenIsUnavailable(t *testing.T) {
	newMetadata(t, func(int32) time.Duration { return 0 })
	s, err := NewSource(audience)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Token(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without an account: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Token(ended); err == nil {
		t.Error("a call that has ended got a token")
	}
}
