package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/catalog/catalogclient"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/upload/uploadclient"
	"github.com/sajin-gallery/sajin/services/web"
)

// configuration is everything the three services and their adapters read.
type configuration struct {
	common   config.Common
	adapters platform.Config
	upload   upload.Config
	catalog  catalog.Config
	web      web.Config
	peers    peersConfig   // of services that run apart, for whoever looks at them
	inFolder platform.Need // what is kept below the data folder
	// accountsNamed says that somebody has named a database of accounts.
	accountsNamed bool
}

// load reads the environment; what the command line said overrides it.
func (c *configuration) load(environ []string) error {
	var others clientConfig // what only other commands read is not misspelt
	err := process.Configure(environ, &c.common, &c.adapters, &c.upload, &c.catalog, &c.web, &c.peers, &others)
	if err != nil {
		return err
	}
	for need, address := range map[platform.Need]string{
		platform.Media: c.adapters.MediaURL, platform.Events: c.adapters.EventsURL, platform.Database: c.adapters.DatabaseURL,
	} {
		if address == "" {
			c.inFolder |= need
		}
	}
	if c.web.Guarded() && c.adapters.AccountsURL == "" {
		c.inFolder |= platform.Accounts
	}
	c.accountsNamed = c.adapters.AccountsURL != ""
	return c.adapters.Embedded(c.common.DataDir)
}

// embedded reports whether something is kept below the data folder.
func (c *configuration) embedded() bool { return c.inFolder != 0 }

// baseMemory is what the process needs besides the images in work: measured 36
// MiB idle, and room for the garbage of requests.
const baseMemory = 80 << 20

// errPushed: nobody but the gallery's own edge reaches the services here, so that
// what is pushed would arrive nowhere.
var errPushed = fmt.Errorf("%w: SAJIN_EVENTS_PUSH_ACCOUNT is for the services apart; without it the all-in-one pulls its events", process.ErrConfig)

// serve runs the gallery until ctx ends.
func serve(ctx context.Context, c configuration, stdout io.Writer) error {
	if c.adapters.PushAccount != "" {
		return errPushed
	}
	if err := platform.MakeDataDir(c.common.DataDir); err != nil {
		return err
	}
	l, err := httpx.Listen(ctx, c.common.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // closed already after a drain
	process.LimitMemory(baseMemory + c.upload.Memory)
	adapters, err := everything.Open(ctx, c.adapters, platform.Events|platform.Media|platform.Database|platform.Accounts)
	if err != nil {
		return err
	}
	defer adapters.Close()
	c.web.Addr = l.Addr().String()
	g, err := compose(ctx, c, adapters, func(_ context.Context, link string) {
		_, _ = fmt.Fprintf(stdout, "The gallery has no account yet. Open this once, within a day, to make yours:\n\n\t%s\n\n", link)
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "Sajin is at http://%s and keeps everything in %s. Ctrl-C stops it.\n", l.Addr(), c.common.DataDir)
	if missing := g.web.Missing(); missing != "" {
		_, _ = fmt.Fprintln(stdout, missing)
	}
	return process.Serve(ctx, l, g)
}

// gallery is the three services in one process.
type gallery struct {
	upload  *upload.Service
	catalog *catalog.Service
	web     *web.Service
}

// compose puts the services together. They call each other through their HTTP
// handlers without a network (httpx.InProcess), so what holds for the services
// apart holds here.
func compose(ctx context.Context, c configuration, a *platform.Adapters, announce func(context.Context, string)) (*gallery, error) {
	var g gallery
	// Before anything can be uploaded: what is published to nobody is lost.
	err := catalog.Subscribe(ctx, a.Bus, c.catalog)
	if err != nil {
		return nil, err
	}
	if g.catalog, err = catalog.New(ctx, c.catalog, catalog.Deps{DB: a.DB, Bus: a.Bus, Now: time.Now, Log: slog.Default()}); err != nil {
		return nil, err
	}
	g.upload, err = upload.New(ctx, c.upload, upload.Deps{
		Blob: a.Media, Partials: a.Partials, Sessions: a.Sessions, Inbox: a.Inbox, Bus: a.Bus, Now: time.Now, Log: slog.Default(),
	})
	if err != nil {
		return nil, err
	}
	g.web, err = web.New(ctx, c.web, web.Deps{
		Catalog:  catalogclient.New(platform.Local("catalog", g.catalog.Handler())),
		Uploader: uploadclient.New(platform.Local("upload", g.upload.Handler())),
		Media:    a.Media, SessionOrigin: a.SessionOrigin(), Accounts: a.Accounts, Announce: announce, Log: slog.Default(),
	})
	return &g, err
}

// Handler is the edge; the other two are reached through it only.
func (g *gallery) Handler() http.Handler { return g.web.Handler() }

// Run does the services' background work until ctx ends.
func (g *gallery) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.upload.Run(ctx) })
	group.Go(func() error { return g.catalog.Run(ctx) })
	group.Go(func() error { return g.web.Run(ctx) })
	return group.Wait()
}
