package platform

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/localtokens"
)

// What SAJIN_SERVICE_AUTH may say.
const (
	authGoogle = "google" // ID tokens of Google's service accounts
	authLocal  = "local"  // tokens signed with SAJIN_SERVICE_KEYS
	authNone   = "none"   // nobody is asked; said outright
	authUnsaid = ""       // as none, on loopback only
)

// What the services are called in local tokens.
const (
	webName     = "web"
	catalogName = "catalog"
	uploadName  = "upload"
)

// Door is how a service that only the gallery's other services may call knows
// them. See CatalogDoor and UploadDoor.
type Door struct {
	Auth     string `env:"SERVICE_AUTH"`
	Keys     string `env:"SERVICE_KEYS"`     // a secret: kid:base64,…
	Audience string `env:"SERVICE_AUDIENCE"` // what the callers' tokens must be for; its name when they are local
	Callers  string `env:"SERVICE_CALLERS"`  // caller or caller=role, …

	name  string // of the service
	guard *serviceauth.Guard
}

// CatalogDoor is the catalog's.
func CatalogDoor() Door { return Door{name: catalogName} }

// UploadDoor is upload's.
func UploadDoor() Door { return Door{name: uploadName} }

// Validate names every variable that is missing or cannot work, and makes the
// guard.
func (d *Door) Validate() error {
	problems := []error{checkAuth(d.Auth, d.Keys)}
	if d.Auth == authGoogle && d.Audience == "" {
		problems = append(problems, errors.New("SAJIN_SERVICE_AUDIENCE must be set with SAJIN_SERVICE_AUTH=google: it is this service's own address, as its callers have it"))
	}
	if d.Auth == authGoogle && d.Callers == "" {
		problems = append(problems, errors.New("SAJIN_SERVICE_CALLERS must be set with SAJIN_SERVICE_AUTH=google: it names the service accounts that may call, such as web@project.iam.gserviceaccount.com"))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return d.makeGuard()
}

// checkAuth checks what both sides of a call are told.
func checkAuth(auth, keys string) error {
	switch auth {
	case authNone, authUnsaid:
		return nil
	case authGoogle, authLocal:
	default:
		return fmt.Errorf("SAJIN_SERVICE_AUTH must be google, local, none or not set, not %q", auth)
	}
	if keys == "" {
		return fmt.Errorf("SAJIN_SERVICE_KEYS must be set with SAJIN_SERVICE_AUTH=%s: it signs for whom a request acts", auth)
	}
	if _, err := keyring.Parse(keys); err != nil {
		return fmt.Errorf("SAJIN_SERVICE_KEYS: %w", err)
	}
	return nil
}

// CheckExposure refuses to listen beyond loopback while nobody asks who calls,
// unless that is said outright.
func (d *Door) CheckExposure(addr string) error {
	if d.Auth != authUnsaid || httpx.Loopback(addr) {
		return nil
	}
	return fmt.Errorf("SAJIN_ADDR=%s can be reached from other machines, and nothing asks who calls: anybody could act for anybody. "+
		"Listen on 127.0.0.1, or say SAJIN_SERVICE_AUTH=google or local, or none if the network lets in nobody but the gallery's own services", addr)
}

// Guard is what stands before the service; nil where nobody is asked. Validate
// has made it.
func (d *Door) Guard() *serviceauth.Guard { return d.guard }

func (d *Door) makeGuard() (err error) {
	if d.Auth == authNone || d.Auth == authUnsaid {
		return nil
	}
	g := &serviceauth.Guard{Audience: cmp.Or(d.Audience, d.name)}
	if g.Actors, err = keyring.Parse(d.Keys); err != nil {
		return fmt.Errorf("SAJIN_SERVICE_KEYS: %w", err)
	}
	if g.Callers, err = serviceauth.ParseCallers(cmp.Or(d.Callers, webName)); err != nil {
		return fmt.Errorf("SAJIN_SERVICE_CALLERS: %w", err)
	}
	g.Verifier = localtokens.Verifier{Keys: g.Actors, Audience: g.Audience}
	if d.Auth == authGoogle {
		if g.Verifier, err = googleVerifier(g.Audience); err != nil {
			return err
		}
	}
	d.guard = g
	return nil
}
