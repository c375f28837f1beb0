package upload_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/localtokens"
	"github.com/sajin-gallery/sajin/services/upload"
)

// S06: only web may use what is there for users, and its token only here.
func TestS06_OnlyWebMayCall(t *testing.T) {
	keys, err := keyring.Parse("k:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 32))))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) {
		d.Guard = &serviceauth.Guard{
			Verifier: localtokens.Verifier{Keys: keys, Audience: "upload"}, Callers: serviceauth.Callers{"web": serviceauth.RoleWeb},
			Actors: keys, Audience: "upload",
		}
		d.Push = func(event.Subscription, event.Handler) (http.Handler, error) {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(identity.OwnerHeader) != "" {
					t.Error("a push acts for an owner")
				}
				w.WriteHeader(http.StatusNoContent)
			}), nil
		}
	})
	defer stop()
	for name, tt := range map[string]struct {
		from, to string
		want     int
	}{
		"web":                     {"web", "upload", 0},
		"catalog":                 {"catalog", "upload", http.StatusForbidden},
		"web's token for catalog": {"web", "catalog", http.StatusForbidden},
		"nobody":                  {"", "upload", http.StatusUnauthorized},
	} {
		for _, route := range svc.Routes() {
			method, path, _ := strings.Cut(route, " ")
			token, err := localtokens.Source{Keys: keys, Name: tt.from, Audience: tt.to}.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(method, path, http.NoBody)
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set(identity.OwnerHeader, "anna")
			if tt.want == 0 {
				r.Header.Del(identity.OwnerHeader)
			}
			w := httptest.NewRecorder()
			svc.Handler().ServeHTTP(w, r)
			guarded := strings.HasPrefix(path, "/v1/")
			refused := w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden
			if refused != (guarded && tt.want != 0) || (refused && w.Code != tt.want) {
				t.Errorf("%s by %s: %d", route, name, w.Code)
			}
		}
	}
}
