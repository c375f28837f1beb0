package platform

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/config"
)

// Need says which adapters a program wants.
type Need uint8

// What can be needed.
const (
	Events Need = 1 << iota
	Media       // with Events, where the media store is a directory: it announces its objects
	Database
	Accounts // the web service's own database, where Config.Auth says that it has one
)

// Config names the adapters.
type Config struct {
	MediaURL    string `env:"MEDIA_URL"`        // gs://bucket, file:///dir
	DatabaseURL string `env:"DATABASE_URL"`     // mysql://…, cloudsql://project:region:instance/db, sqlite:///file
	EventsURL   string `env:"EVENTS_URL"`       // pubsub://project, nats://host:port, nats+embedded:///dir
	AccountsURL string `env:"WEB_DATABASE_URL"` // as DatabaseURL

	// Auth says whether there are accounts.
	Auth string `env:"AUTH"`

	// With pubsub: what the tokens of push requests must be for, and the service
	// account that sends them. Set, events are pushed to the service and not
	// pulled.
	PushAudience string `env:"EVENTS_PUSH_AUDIENCE"`
	PushAccount  string `env:"EVENTS_PUSH_ACCOUNT"`

	// Required says which of them must be set. A program that falls back on
	// Embedded requires none.
	Required Need
}

// Validate names every URL that is missing or has none of the forms that there
// are. What is in a database's URL besides is for gormdb to say.
func (c *Config) Validate() error {
	databases := []string{"sqlite:///file", "mysql://user:password@host:port/database", "cloudsql://project:region:instance/database"}
	return errors.Join(
		c.check(Media, "SAJIN_MEDIA_URL", c.MediaURL, "file:///folder", "gs://bucket"),
		c.check(Database, "SAJIN_DATABASE_URL", c.DatabaseURL, databases...),
		c.checkAccounts(databases),
		c.check(Events, "SAJIN_EVENTS_URL", c.EventsURL, "nats+embedded:///folder", "nats://host:port", "pubsub://project"),
		c.checkPush(),
	)
}

// errPushBus says which bus can push.
var errPushBus = errors.New("SAJIN_EVENTS_PUSH_AUDIENCE and SAJIN_EVENTS_PUSH_ACCOUNT need SAJIN_EVENTS_URL=pubsub://project: no other bus pushes")

func (c *Config) checkPush() error {
	switch {
	case c.PushAudience == "" && c.PushAccount == "":
		return nil
	case c.PushAudience == "" || c.PushAccount == "":
		return errors.New("SAJIN_EVENTS_PUSH_AUDIENCE and SAJIN_EVENTS_PUSH_ACCOUNT belong together: events are pushed with both, and pulled with neither")
	case !strings.HasPrefix(c.EventsURL, "pubsub://"):
		return errPushBus
	default:
		return nil
	}
}

// hasAccounts reports whether somebody must be known to come in.
func (c *Config) hasAccounts() bool { return c.Auth == config.AuthPassword || c.Auth == config.AuthIAP }

func (c *Config) checkAccounts(forms []string) error {
	if !c.hasAccounts() {
		return nil
	}
	return c.check(Accounts, "SAJIN_WEB_DATABASE_URL", c.AccountsURL, forms...)
}

func (c *Config) check(need Need, variable, raw string, forms ...string) error {
	if raw == "" && c.Required&need == 0 {
		return nil
	}
	for _, form := range forms {
		if fits(raw, form) {
			return nil
		}
	}
	missing := ""
	if raw == "" {
		missing = "be set: it must "
	}
	// Its value is not shown: it may hold a password.
	return fmt.Errorf("%s must %sbe like %s", variable, missing, strings.Join(forms, " or "))
}

// fits reports whether raw has the form's scheme, and a path where the form has
// one, or else something to find the place by.
func fits(raw, form string) bool {
	scheme, place, _ := strings.Cut(form, "://")
	rest, ok := strings.CutPrefix(raw, scheme+"://")
	if !ok || strings.HasPrefix(place, "/") != strings.HasPrefix(rest, "/") {
		return false
	}
	return strings.Trim(rest, "/") != ""
}

// Embedded fills in the adapters below dir for what is not set.
func (c *Config) Embedded(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("platform: %w", err)
	}
	preset := func(target *string, scheme, name string) {
		if *target == "" {
			*target = (&url.URL{Scheme: scheme, Path: filepath.ToSlash(filepath.Join(abs, name))}).String()
		}
	}
	preset(&c.MediaURL, "file", "media")
	preset(&c.DatabaseURL, "sqlite", "catalog.db")
	preset(&c.AccountsURL, "sqlite", "accounts.db")
	preset(&c.EventsURL, "nats+embedded", "events")
	return nil
}

// Address reads what a variable of Config's holds. Its value is not shown: it may
// hold a password.
func Address(variable, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL", variable)
	}
	return u, nil
}
