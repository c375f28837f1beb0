// Package config reads a program's configuration from environment variables
// with the prefix SAJIN_, typed and checked, and names every problem at once.
//
// It knows how variables are read, and the few that every program shares; what
// a service's own variables mean is in that service's Config.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Prefix starts the name of every variable of ours.
const Prefix = "SAJIN_"

// Common is what every program reads.
type Common struct {
	Addr      string `env:"ADDR" envDefault:"127.0.0.1:8080"` // host:port; port 0 picks a free one
	DataDir   string `env:"DATA_DIR" envDefault:"sajin-data"` // where the embedded adapters keep everything
	LogLevel  string `env:"LOG_LEVEL" envDefault:"info"`      // debug, info, warn, error
	LogFormat string `env:"LOG_FORMAT" envDefault:"text"`     // text, json (for Cloud Logging)
	// Auth says how a gallery knows who is there: "password", "iap" (Cloud IAP in
	// front), or "none", said outright, so that nobody opens a gallery by mistake.
	// With none of them nobody is asked, and a program listens on loopback only.
	Auth string `env:"AUTH"`
}

// The values of Auth.
const (
	AuthNone     = "none"
	AuthPassword = "password"
	AuthIAP      = "iap"
)

// Validate names what is wrong with the shared variables.
func (c *Common) Validate() error {
	var problems []error
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		problems = append(problems, fmt.Errorf("SAJIN_ADDR must be host:port, such as 127.0.0.1:8080, not %q", c.Addr))
	}
	if c.DataDir == "" {
		problems = append(problems, errors.New("SAJIN_DATA_DIR must name a folder"))
	}
	if new(slog.LevelVar).UnmarshalText([]byte(c.LogLevel)) != nil {
		problems = append(problems, fmt.Errorf("SAJIN_LOG_LEVEL must be debug, info, warn or error, not %q", c.LogLevel))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		problems = append(problems, fmt.Errorf("SAJIN_LOG_FORMAT must be text or json, not %q", c.LogFormat))
	}
	if !slices.Contains([]string{"", AuthNone, AuthPassword, AuthIAP}, c.Auth) {
		problems = append(problems, fmt.Errorf("SAJIN_AUTH must be password, iap, none or not set, not %q", c.Auth))
	}
	return errors.Join(problems...)
}

// Validator is a configuration that can say what is wrong with it: one error
// that joins them all.
type Validator interface{ Validate() error }

// Load fills each of into (pointers to structs with `env` and `envDefault`
// tags) from environ, and validates those that are Validators. The error joins
// every problem found; what two of them say in the same words is said once.
func Load(environ []string, into ...any) error {
	var problems []error
	for _, target := range into {
		if err := env.ParseWithOptions(target, options(environ)); err != nil {
			problems = append(problems, readable(target, err)...)
			continue
		}
		if v, ok := target.(Validator); ok {
			problems = append(problems, v.Validate())
		}
	}
	return distinct(errors.Join(problems...))
}

// distinct is err without the lines that say what one before has said.
func distinct(err error) error {
	var said []string
	var out []error
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, each := range joined.Unwrap() {
				walk(each)
			}
		} else if err != nil && !slices.Contains(said, err.Error()) {
			said, out = append(said, err.Error()), append(out, err)
		}
	}
	walk(err)
	return errors.Join(out...)
}

// readable says what was wrong with a variable without the library's wording
// and without its value, which may be a secret.
func readable(target any, err error) []error {
	aggregate, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return []error{err}
	}
	out := make([]error, 0, len(aggregate.Errors))
	for _, each := range aggregate.Errors {
		if parse, ok := errors.AsType[env.ParseError](each); ok {
			each = fmt.Errorf("%s is not a valid %s", variable(target, parse.Name), parse.Type)
		}
		out = append(out, each)
	}
	return out
}

// variable is the variable that fills a field.
func variable(target any, field string) string {
	if f, ok := reflect.TypeOf(target).Elem().FieldByName(field); ok {
		name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
		return Prefix + name
	}
	return field
}

// Unknown lists the variables of environ with our prefix that none of into
// reads: most likely a misspelling. SAJIN_TEST_ is left to the tests.
func Unknown(environ []string, into ...any) ([]string, error) {
	unknown := map[string]bool{}
	for name := range options(environ).Environment {
		if strings.HasPrefix(name, Prefix) && !strings.HasPrefix(name, Prefix+"TEST_") {
			unknown[name] = true
		}
	}
	for _, target := range into {
		fields, err := env.GetFieldParamsWithOptions(target, options(environ))
		if err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		for _, field := range fields {
			delete(unknown, field.Key)
		}
	}
	return slices.Sorted(maps.Keys(unknown)), nil
}

func options(environ []string) env.Options {
	return env.Options{Environment: env.ToMap(environ), Prefix: Prefix}
}
