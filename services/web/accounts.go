package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/argon2hasher"
	"github.com/sajin-gallery/sajin/services/web/internal/gormaccounts"
)

// NewAccount is what somebody enters to get an account.
type NewAccount = accounts.NewAccount

// Migrate brings the schema of the accounts up to date, in a database that
// gormdb opened.
func Migrate(ctx context.Context, db *gorm.DB) error { return gormaccounts.New(db).Migrate(ctx) }

// SchemaVersions says how far the schema of the accounts is, and changes nothing.
func SchemaVersions(ctx context.Context, db *gorm.DB) (gormdb.Versions, error) {
	return gormaccounts.New(db).SchemaVersions(ctx)
}

// CreateOwner makes the owner's account; a second is refused.
func CreateOwner(ctx context.Context, db *gorm.DB, n NewAccount) error {
	_, err := accounts.New(gormaccounts.New(db), argon2hasher.New(), accounts.Options{}).CreateOwner(ctx, n)
	return err
}

// SetPassword replaces the password of a name or an e-mail address, and ends all
// sessions and tokens of the account. It gives the account's name.
func SetPassword(ctx context.Context, db *gorm.DB, who, password string) (name string, err error) {
	account, err := accounts.New(gormaccounts.New(db), argon2hasher.New(), accounts.Options{}).ResetPassword(ctx, who, password)
	return account.Name, err
}

// people is the part of the service that knows who is there.
type people struct {
	core     *accounts.Service
	store    *gormaccounts.Store
	config   Config
	announce func(ctx context.Context, link string)
	log      *slog.Logger
	prepared atomic.Bool
}

// newPeople composes it, or gives nil where nobody is asked.
func newPeople(cfg Config, deps Deps, log *slog.Logger) (*people, error) {
	if !cfg.Guarded() {
		return nil, nil
	}
	if deps.Accounts == nil {
		return nil, fmt.Errorf("web: SAJIN_AUTH=%s needs a database of accounts", cfg.Auth)
	}
	if cfg.Auth == config.AuthPassword && strings.HasPrefix(cfg.PublicOrigin, "http:") && !httpx.Loopback(cfg.Addr) {
		log.Warn("passwords and pictures can be read on their way: SAJIN_PUBLIC_ORIGIN is no https address", "origin", cfg.PublicOrigin)
	}
	p := &people{store: gormaccounts.New(deps.Accounts), config: cfg, announce: deps.Announce, log: log}
	if p.announce == nil {
		p.announce = p.logLink
	}
	p.core = accounts.New(p.store, argon2hasher.New(), accounts.Options{SetupToken: cfg.SetupToken, Log: log})
	return p, nil
}

func (p *people) logLink(ctx context.Context, link string) {
	p.log.WarnContext(ctx, "the gallery has no account yet; this link makes the owner's, once, within a day", "link", link)
}

// prepare makes the database ready for use, and tells how to make the first
// account where there is none. Doing so again changes nothing.
func (p *people) prepare(ctx context.Context) error {
	if p.prepared.Load() {
		return nil
	}
	if p.config.Migrate {
		if err := p.store.Migrate(ctx); err != nil {
			return err
		}
	}
	if err := p.invite(ctx); err != nil {
		return err
	}
	p.prepared.Store(true)
	return nil
}

// invite tells the set-up link. One that the operator has chosen is known, and
// not told: it would be in the log on every start.
func (p *people) invite(ctx context.Context) error {
	if p.config.Auth != config.AuthPassword {
		return p.core.Reachable(ctx)
	}
	token, err := p.core.Invite(ctx)
	if err != nil || token == "" || p.config.SetupToken != "" {
		return err
	}
	p.announce(ctx, p.config.base()+"/setup?"+url.Values{"token": {token}}.Encode())
	return nil
}

// base is where browsers reach the service, as far as that is known.
func (c Config) base() string {
	if c.PublicOrigin != "" {
		return c.PublicOrigin
	}
	return "http://" + c.Addr
}

// try prepares the database. One that cannot be reached is no error: Run tries
// again until it is there.
func (p *people) try(ctx context.Context) error {
	if p == nil {
		return nil
	}
	if err := p.prepare(ctx); err != nil && !process.Absent(err) {
		return err
	}
	return nil
}
