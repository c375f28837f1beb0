// Package serviceauth is how the gallery's services know each other, and for
// whom they act: a [Client] proves who is calling and signs the acting owner, a
// [Guard] lets in who may, and no further than he may go.
//
// It knows HTTP and no kind of token: those are behind [TokenSource] and
// [Verifier], as Google's ID tokens (googletokens) or as tokens signed with a
// key that the services share (localtokens). It does not know how users sign
// in, nor what they may see.
package serviceauth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// TokenSource gives tokens that prove to one other service who is calling.
type TokenSource interface {
	// Token is good for at least the next few seconds. It is quick but for the
	// first call and one every hour or so, and ends with ctx. Safe for
	// concurrent use.
	Token(ctx context.Context) (string, error)
}

// Verifier judges the tokens of callers.
type Verifier interface {
	// Verify names the caller that a token proves. The error is ErrToken for a
	// token that proves nothing, ErrAudience for one that is good elsewhere, and
	// an Unavailable fault when it cannot be judged at the moment. Safe for
	// concurrent use.
	Verify(ctx context.Context, token string) (caller string, err error)
}

// MaxTokenBytes bounds a token; what is longer is not looked at.
const MaxTokenBytes = 8 << 10

// How a request is refused.
var (
	ErrToken = fault.New(fault.Unauthenticated, "service_token_invalid",
		"This address is for the gallery's own services, and the request does not prove that it comes from one of them.")
	ErrAudience = fault.New(fault.Forbidden, "service_forbidden", "The token of the request is for another service.")
	errNoToken  = fault.New(fault.Unauthenticated, "service_token_missing", "The request brings no token.")
	errCaller   = fault.New(fault.Forbidden, "service_caller_wrong", "The token of the request is of another caller.")
	errRole     = fault.New(fault.Forbidden, "service_forbidden", "The calling service may not use this address.")
	errActor    = fault.New(fault.Unauthenticated, "acting_owner_invalid", "The header that says for whom the request acts is not signed as it must be.")
)

// Role is what a caller is to a service.
type Role string

// RoleWeb is the edge, which acts for the users it has signed in.
const RoleWeb Role = "web"

// Callers are those who may call, by the names that their tokens prove.
type Callers map[string]Role

// MaxCallers bounds the list.
const MaxCallers = 32

// ParseCallers reads "caller,caller=role": without a role a caller is the edge.
func ParseCallers(text string) (Callers, error) {
	entries := strings.Split(text, ",")
	if len(entries) > MaxCallers {
		return nil, fmt.Errorf("there may be at most %d callers", MaxCallers)
	}
	out := Callers{}
	for _, entry := range entries {
		name, role, said := strings.Cut(strings.TrimSpace(entry), "=")
		if !said {
			role = string(RoleWeb)
		}
		if name == "" || Role(role) != RoleWeb {
			return nil, fmt.Errorf("%q must be a caller, or a caller=role with the role web", entry)
		}
		out[name] = Role(role)
	}
	return out, nil
}

// Access says which paths each role may use, by how they begin. What is not
// named may be used by nobody.
type Access map[Role][]string

func (a Access) allows(role Role, path string) bool {
	return slices.ContainsFunc(a[role], func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}
