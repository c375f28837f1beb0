package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/web"
)

// schema is what one service keeps in a database.
type schema struct {
	name     string
	variable string // that names its database
	lost     string // what to do about one that cannot be opened
	need     platform.Need
	// there reports whether the gallery keeps it at all.
	there    func(*platform.Adapters) bool
	versions func(context.Context, *platform.Adapters) (gormdb.Versions, error)
	migrate  func(context.Context, *platform.Adapters) error
}

// schemas are all that there are, in the order in which they are migrated.
var schemas = []schema{{
	name: "catalog", variable: "SAJIN_DATABASE_URL", need: platform.Database,
	lost:  "restore its backup, or move it away and run sajin rebuild, which makes it from the pictures; or set SAJIN_DATABASE_URL to where it is",
	there: func(a *platform.Adapters) bool { return a.DB != nil },
	versions: func(ctx context.Context, a *platform.Adapters) (gormdb.Versions, error) {
		return catalog.SchemaVersions(ctx, a.DB)
	},
	migrate: func(ctx context.Context, a *platform.Adapters) error { return catalog.Migrate(ctx, a.DB) },
}, {
	name: "web", variable: "SAJIN_WEB_DATABASE_URL", need: platform.Accounts,
	lost:  "restore its backup, or move it away, and make the account again; or set SAJIN_WEB_DATABASE_URL to where it is",
	there: func(a *platform.Adapters) bool { return a.Accounts != nil },
	versions: func(ctx context.Context, a *platform.Adapters) (gormdb.Versions, error) {
		return web.SchemaVersions(ctx, a.Accounts)
	},
	migrate: func(ctx context.Context, a *platform.Adapters) error { return web.Migrate(ctx, a.Accounts) },
}}

// migrateCommand brings every schema up to date. Services may run meanwhile: a
// migration leaves what the version before it needs.
func migrateCommand(ctx context.Context, args []string, stdout io.Writer) error {
	dry := false
	c, err := upkeep("migrate", args, stdout, func(flags *flag.FlagSet) { flags.BoolVar(&dry, "dry-run", false, "") })
	if err != nil || c == nil {
		return err
	}
	c.expectAccounts()
	var need platform.Need
	for _, s := range schemas {
		need |= s.need
	}
	adapters, err := openUpkeep(ctx, c, need)
	if err != nil {
		return err
	}
	defer adapters.Close()
	var all []error
	for _, s := range schemas {
		if s.there(adapters) {
			all = append(all, s.run(ctx, adapters, dry, stdout))
		}
	}
	if dry {
		_, _ = fmt.Fprintln(stdout, "This was a dry run: nothing was changed.")
	}
	return errors.Join(all...)
}

// expectAccounts opens the database of accounts wherever one is named: a job is
// told which databases there are, and not how people sign in.
func (c *configuration) expectAccounts() {
	if c.accountsNamed && !c.web.Guarded() {
		c.adapters.Auth = config.AuthPassword
	}
}

func (s schema) run(ctx context.Context, a *platform.Adapters, dry bool, stdout io.Writer) error {
	before, err := s.versions(ctx, a)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", s.name, err)
	case before.Have > before.Known:
		return fmt.Errorf("%s: the database is at version %d and this program knows %d: it belongs to a later one", s.name, before.Have, before.Known)
	case dry && before.Have < before.Known:
		_, _ = fmt.Fprintf(stdout, "%s: at version %d, to be brought to %d\n", s.name, before.Have, before.Known)
		return nil
	case before.Have == before.Known:
		_, _ = fmt.Fprintf(stdout, "%s: up to date at version %d\n", s.name, before.Have)
		return nil
	}
	if err := s.migrate(ctx, a); err != nil {
		return fmt.Errorf("%s, at version %d: %w", s.name, before.Have, err)
	}
	after, err := s.versions(ctx, a)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	_, _ = fmt.Fprintf(stdout, "%s: brought from version %d to %d\n", s.name, before.Have, after.Have)
	return nil
}
