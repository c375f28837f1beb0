package web

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
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
	// Dev reads the interface's files again for every page.
	Dev bool `env:"DEV"`
}

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
	return errors.Join(all...)
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
