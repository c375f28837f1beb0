package web

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// Config is the service's configuration. The names are those of environment
// variables, to which the programs add the prefix SAJIN_. Whether Addr may be
// reached from other machines is the programs' business, before they listen.
type Config struct {
	// Addr is where the service listens. With port 0 it is enough to give the
	// address as it was asked for.
	Addr string `env:"ADDR" envDefault:"127.0.0.1:8080"`
	// PublicOrigin is scheme, host and port by which browsers reach the service
	// where that is not Addr, such as https://photos.example.org. Other names
	// are then refused.
	PublicOrigin string `env:"PUBLIC_ORIGIN"`
	// StaticURL is where the interface's files are served, such as
	// https://storage.googleapis.com/bucket; sajin collectstatic puts them there.
	// Empty: the service serves them itself.
	StaticURL string `env:"STATIC_URL"`
	// The limits on uploads, by the variables that the upload service reads: it
	// enforces those on files, and here they are told to people. MaxRequestBytes
	// is enforced here as well, before the body is read, and so is IdleBody, the
	// wait for a body's next byte.
	MaxFiles        int           `env:"UPLOAD_FILES_PER_REQUEST" envDefault:"1000"`
	MaxFileBytes    int64         `env:"UPLOAD_FILE_BYTES" envDefault:"268435456"`
	MaxRequestBytes int64         `env:"UPLOAD_REQUEST_BYTES" envDefault:"4294967296"`
	IdleBody        time.Duration `env:"UPLOAD_IDLE_BODY" envDefault:"60s"`
	// Dev is a folder from which the interface's files are read again for every
	// page: services/web of a checkout, or an empty one, into which those built in
	// are put first.
	Dev string `env:"DEV"`

	// Auth says how people are known: config.AuthPassword, config.AuthIAP, or not
	// at all.
	Auth string `env:"AUTH"`
	// Migrate brings the schema up to date at the start. Off where a job does that
	// before the service is rolled out.
	Migrate bool `env:"WEB_MIGRATE" envDefault:"true"`
	// SetupToken is the token of the link that makes the owner's account, where it
	// must be known before; else the link is told at the start.
	SetupToken string `env:"SETUP_TOKEN"`
	// IAPAudience is whom Cloud IAP speaks to in its assertions.
	IAPAudience string `env:"IAP_AUDIENCE"`
	// TrustedProxies is how many entries of X-Forwarded-For, from the last, our
	// own proxies wrote.
	TrustedProxies int `env:"TRUSTED_PROXIES"`
	// RateLimit is how many requests a second one account, token or address may
	// make where people are known; 0 for any number.
	RateLimit int `env:"RATE_LIMIT" envDefault:"100"`
}

// CheckExposure refuses to listen beyond loopback where nobody is asked, unless
// that is said outright.
func (c *Config) CheckExposure(addr string) error {
	if c.Guarded() {
		return nil
	}
	return process.CheckExposure(&config.Common{Addr: addr, Auth: c.Auth})
}

// The limits on what may be configured.
const (
	minSetupToken     = 20 // characters
	maxSetupToken     = 200
	maxTrustedProxies = 10
	maxRateLimit      = 100_000
)

// Guarded reports whether people must be known to come in, which needs a
// database of accounts.
func (c *Config) Guarded() bool { return c.Auth == config.AuthPassword || c.Auth == config.AuthIAP }

// Validate names every variable whose value cannot work; those of uploads in
// the words of the upload service, so that a program with both says it once.
func (c Config) Validate() error {
	_, err := parseOrigin(c.PublicOrigin)
	all := []error{err, checkStatic(c.StaticURL)}
	positive := func(name string, value int64) {
		if value <= 0 {
			all = append(all, fmt.Errorf("%s must be greater than 0, not %d", name, value))
		}
	}
	positive("SAJIN_UPLOAD_FILE_BYTES", c.MaxFileBytes)
	positive("SAJIN_UPLOAD_FILES_PER_REQUEST", int64(c.MaxFiles))
	positive("SAJIN_UPLOAD_IDLE_BODY", int64(c.IdleBody))
	if c.MaxRequestBytes < c.MaxFileBytes {
		all = append(all, errors.New("SAJIN_UPLOAD_REQUEST_BYTES must not be less than SAJIN_UPLOAD_FILE_BYTES"))
	}
	return errors.Join(append(all, c.validateAuth()...)...)
}

func (c Config) validateAuth() (all []error) {
	refuse := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	refuse(c.Auth == config.AuthPassword && c.PublicOrigin == "" && !httpx.Loopback(c.Addr),
		"SAJIN_PUBLIC_ORIGIN must say by which address browsers reach the gallery, such as https://photos.example.org: who signs in does so there only")
	refuse(c.Auth == config.AuthIAP && c.IAPAudience == "",
		"SAJIN_IAP_AUDIENCE must be set with SAJIN_AUTH=iap, such as /projects/1234/global/backendServices/5678")
	refuse(c.SetupToken != "" && (len(c.SetupToken) < minSetupToken || len(c.SetupToken) > maxSetupToken),
		"SAJIN_SETUP_TOKEN must have %d to %d characters", minSetupToken, maxSetupToken)
	refuse(c.TrustedProxies < 0 || c.TrustedProxies > maxTrustedProxies,
		"SAJIN_TRUSTED_PROXIES must be from 0 to %d, not %d", maxTrustedProxies, c.TrustedProxies)
	refuse(c.RateLimit < 0 || c.RateLimit > maxRateLimit,
		"SAJIN_RATE_LIMIT must be from 0 to %d, not %d", maxRateLimit, c.RateLimit)
	return all
}

// parseOrigin reads scheme://host[:port], or nothing.
func parseOrigin(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.String() != u.Scheme+"://"+u.Host {
		return nil, fmt.Errorf("SAJIN_PUBLIC_ORIGIN is %q: it must be a scheme and a host, such as https://photos.example.org", text)
	}
	return u, nil
}

// checkStatic takes a scheme, a host and a path, in characters that mean nothing
// in a policy on content.
func checkStatic(text string) error {
	u, err := url.Parse(text)
	plain := err == nil && u.String() == text && !strings.ContainsAny(text, ";, '\"?#") && u.User == nil && !strings.HasSuffix(text, "/")
	if text != "" && (!plain || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
		return fmt.Errorf("SAJIN_STATIC_URL is %q: it must be an address without a slash at its end, such as https://storage.googleapis.com/bucket", text)
	}
	return nil
}
