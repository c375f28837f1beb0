package platform

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/localtokens"
)

// Peers are the other services, as the web service reaches them.
type Peers struct {
	CatalogURL string `env:"CATALOG_URL"` // such as https://catalog.example
	UploadURL  string `env:"UPLOAD_URL"`
	Auth       string `env:"SERVICE_AUTH"`
	Keys       string `env:"SERVICE_KEYS"` // a secret: kid:base64,…
}

// Validate names every address that is missing or not a web address, and what
// is needed to prove who is calling.
func (p *Peers) Validate() error {
	return errors.Join(
		checkPeer("SAJIN_CATALOG_URL", p.CatalogURL), checkPeer("SAJIN_UPLOAD_URL", p.UploadURL), checkAuth(p.Auth, p.Keys),
		p.checkSafe("SAJIN_CATALOG_URL", p.CatalogURL), p.checkSafe("SAJIN_UPLOAD_URL", p.UploadURL),
	)
}

// CheckAuth names what is missing or cannot work of what proves who is calling,
// wherever the services are.
func (p *Peers) CheckAuth() error { return checkAuth(p.Auth, p.Keys) }

// Proves reports whether calls are made with a token.
func (p *Peers) Proves() bool { return p.Auth != authNone && p.Auth != authUnsaid }

// checkSafe keeps Google's tokens, which are good for an hour, off a line that
// others can read, and asks how to prove oneself to another machine.
func (p *Peers) checkSafe(variable, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || httpx.Loopback(net.JoinHostPort(u.Hostname(), "80")) {
		return nil
	}
	switch {
	case p.Auth == authUnsaid:
		return fmt.Errorf("SAJIN_SERVICE_AUTH must be google, local or none, as the service has it that %s leads to", variable)
	case p.Auth == authGoogle && u.Scheme == "http":
		return fmt.Errorf("%s must begin with https:// with SAJIN_SERVICE_AUTH=google, or tokens could be read on the way", variable)
	default:
		return nil
	}
}

func checkPeer(variable, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%s must be the address of that service, such as http://127.0.0.1:8081", variable)
	}
	return nil
}

// Targets are the services, as web proves itself to them. Call Validate first.
func (p *Peers) Targets() (catalog, upload kitx.Target, err error) {
	if catalog, err = p.Catalog(); err != nil {
		return kitx.Target{}, kitx.Target{}, err
	}
	upload, err = p.Upload()
	return catalog, upload, err
}

// Catalog is the one of Targets, for whoever need not know the other.
func (p *Peers) Catalog() (kitx.Target, error) { return p.target(catalogName, p.CatalogURL) }

// Upload is the one of Targets, for whoever need not know the other.
func (p *Peers) Upload() (kitx.Target, error) { return p.target(uploadName, p.UploadURL) }

// target is a service over a network. To Google a service is its address, to us
// its name.
func (p *Peers) target(name, address string) (kitx.Target, error) {
	target := remote(name, address)
	if !p.Proves() {
		return target, nil
	}
	keys, err := keyring.Parse(p.Keys)
	if err != nil {
		return kitx.Target{}, err
	}
	if p.Auth == authLocal {
		target.HTTP = &serviceauth.Client{
			HTTP: target.HTTP, Actors: keys, Audience: name,
			Tokens: localtokens.Source{Keys: keys, Name: webName, Audience: name},
		}
		return target, nil
	}
	tokens, err := googleTokens(address)
	if err != nil {
		return kitx.Target{}, err
	}
	target.HTTP = &serviceauth.Client{HTTP: target.HTTP, Actors: keys, Audience: address, Tokens: tokens}
	return target, nil
}

// Local is a service of this process.
func Local(name string, h http.Handler) kitx.Target {
	return kitx.Target{
		Base: &url.URL{Scheme: "http", Host: name},
		HTTP: kitx.NoRedirects(httpx.TraceCalls(name, httpx.InProcess{Handler: h})),
	}
}

// remote keeps connections to a service open. Calls are bounded by the
// deadlines of the clients; here only what comes before a call is. A service
// that refuses a body before it has read it is heard, within a second.
func remote(name, raw string) kitx.Target {
	base, err := url.Parse(raw)
	if err != nil {
		base = &url.URL{}
	}
	return kitx.Target{Base: base, HTTP: kitx.NoRedirects(httpx.TraceCalls(name, &http.Transport{
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 60 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second, ExpectContinueTimeout: time.Second, ForceAttemptHTTP2: true,
	}))}
}
