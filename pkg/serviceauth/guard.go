package serviceauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
)

// kindActor is the kind of the statement for whom a request acts.
const kindActor keyring.Kind = "sajin-actor+jwt"

// Guard stands before a service. Nil lets everything pass: then nobody but the
// gallery itself can reach the service.
type Guard struct {
	Verifier Verifier
	Callers  Callers
	Actors   *keyring.Ring // verifies for whom a request acts
	Audience string        // what the signed owner must be for
}

// Middleware lets a request through whose token proves a caller that access
// allows its path, and passes the owner for whom it acts on as a plain
// identity.OwnerHeader. Whatever is wrong is answered before anything of the
// body is read: 401 for no proof, 403 for a caller who may not, 503 where it
// cannot be judged.
//
// The open paths need no token: those that answer anybody, and those that do
// their own checking. Nobody acts for anybody there.
func (g *Guard) Middleware(access Access, open ...string) httpx.Middleware {
	return func(next http.Handler) http.Handler {
		if g == nil {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			in := r.Clone(r.Context())
			in.Header.Del(identity.OwnerHeader)
			if slices.Contains(open, r.URL.Path) {
				next.ServeHTTP(w, in)
				return
			}
			if err := g.admit(r, access); err != nil {
				refuse(w, r, err)
				return
			}
			owner, err := g.actor(r)
			if err != nil {
				refuse(w, r, err)
				return
			}
			if owner != "" {
				in.Header.Set(identity.OwnerHeader, string(owner))
			}
			next.ServeHTTP(w, in)
		})
	}
}

func (g *Guard) admit(r *http.Request, access Access) error {
	caller, err := verify(r.Context(), g.Verifier, bearer(r))
	if err != nil {
		return err
	}
	if !access.allows(g.Callers[caller], r.URL.Path) {
		return errRole.With("serviceauth.Guard", fmt.Errorf("it is %q", caller))
	}
	return nil
}

// verify keeps what cannot be a token from the verifier.
func verify(ctx context.Context, v Verifier, token string) (string, error) {
	if token == "" || len(token) > MaxTokenBytes {
		return "", ErrToken
	}
	return v.Verify(ctx, token)
}

// Of accepts the tokens of one caller only, as an event bus that pushes asks for.
// What it refuses for is for the operator: errNoToken, errCaller, ErrToken or
// ErrAudience.
func Of(v Verifier, caller string) func(ctx context.Context, token string) error {
	return func(ctx context.Context, token string) error {
		if token == "" {
			return errNoToken
		}
		got, err := verify(ctx, v, token)
		if err == nil && got != caller {
			err = errCaller.With("serviceauth.Of", fmt.Errorf("it is of %q", got))
		}
		return err
	}
}

// bearer is the one bearer token of a request, or "".
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// actor is for whom the request acts; "" where it does not say.
func (g *Guard) actor(r *http.Request) (identity.Owner, error) {
	values := r.Header.Values(identity.OwnerHeader)
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", errActor
	}
	s, err := g.Actors.Verify(kindActor, values[0])
	if err != nil {
		return "", errActor.With("serviceauth.Guard", err)
	}
	owner, ok := identity.ParseOwner(s.Subject)
	if !ok || s.Audience != g.Audience {
		return "", errActor
	}
	return owner, nil
}

// refuse answers, and tells the operator why, since the caller is told little.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if kind := fault.KindOf(err); kind == fault.Unauthenticated || kind == fault.Forbidden {
		w.Header().Set("WWW-Authenticate", "Bearer")
		slog.WarnContext(r.Context(), "a request was refused", "err", err, "method", r.Method,
			"path", r.URL.EscapedPath(), "request_id", problem.RequestID(r.Context()))
	}
	problem.Write(w, r, err)
}
