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

// Catalog is the catalog service. Call Validate first.
func (p *Peers) Catalog() kitx.Target { return remote("catalog", p.CatalogURL) }

// Upload is the upload service. Call Validate first.
func (p *Peers) Upload() kitx.Target { return remote("upload", p.UploadURL) }

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
