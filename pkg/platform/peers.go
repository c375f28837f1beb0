package platform

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// Peers are the other services, as the web service reaches them.
type Peers struct {
	CatalogURL string `env:"CATALOG_URL"` // such as https://catalog.example
	UploadURL  string `env:"UPLOAD_URL"`
}

// Validate names every address that is missing or not a web address.
func (p *Peers) Validate() error {
	return errors.Join(checkPeer("SAJIN_CATALOG_URL", p.CatalogURL), checkPeer("SAJIN_UPLOAD_URL", p.UploadURL))
}

func checkPeer(variable, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%s must be the address of that service, such as http://127.0.0.1:8081", variable)
	}
	return nil
}

// Peer is where a service is, and the way there.
type Peer struct {
	Base      *url.URL
	Transport http.RoundTripper
}

// Catalog is the catalog service. Call Validate first.
func (p *Peers) Catalog() Peer { return remote(p.CatalogURL) }

// Upload is the upload service. Call Validate first.
func (p *Peers) Upload() Peer { return remote(p.UploadURL) }

// Local is a service of this process.
func Local(name string, h http.Handler) Peer {
	return Peer{Base: &url.URL{Scheme: "http", Host: name}, Transport: httpx.InProcess{Handler: h}}
}

// Target is the peer as clients take it.
func (p Peer) Target() kitx.Target {
	return kitx.Target{Base: p.Base, HTTP: kitx.NoRedirects(p.Transport)}
}

// remote keeps connections to a service open. Calls are bounded by the
// deadlines of the clients; here only what comes before a call is.
func remote(raw string) Peer {
	base, err := url.Parse(raw)
	if err != nil {
		base = &url.URL{}
	}
	return Peer{Base: base, Transport: &http.Transport{
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 60 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true,
	}}
}
