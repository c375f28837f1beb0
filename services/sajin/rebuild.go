package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/upload"
)

// rebuildCommand makes the catalog again from the manifests in the media store.
// It empties nothing: what the catalog has stays, and what it lacks is added.
func rebuildCommand(ctx context.Context, args []string, stdout io.Writer) error {
	dry := false
	c, err := upkeep("rebuild", args, stdout, func(flags *flag.FlagSet) { flags.BoolVar(&dry, "dry-run", false, "") })
	if err != nil || c == nil {
		return err
	}
	adapters, err := openUpkeep(ctx, c, platform.Media|platform.Database)
	if err != nil {
		return err
	}
	defer adapters.Close()
	known, err := catalog.New(ctx, c.catalog, catalog.Deps{DB: adapters.DB, Bus: adapters.Bus, Log: slog.Default()})
	if err == nil {
		err = known.Ready(ctx)
	}
	if err != nil {
		return err
	}
	r := &rebuild{catalog: known, dry: dry, stdout: stdout}
	err = r.run(ctx, adapters.Media)
	r.print()
	if dry {
		_, _ = fmt.Fprintln(stdout, "This was a dry run: nothing was added.")
	}
	if err == nil && r.failed > 0 {
		err = fmt.Errorf("%d manifests could not be taken in; they are named above", r.failed)
	}
	return err
}

// progressEach is after how many manifests a line says how far it has come.
const progressEach = 1000

// rebuild is one run over the manifests, one after the other: of two with the
// same bytes the older one stays, as it was.
type rebuild struct {
	catalog *catalog.Service
	dry     bool
	stdout  io.Writer

	seen, added, known, purged, failed int
}

func (r *rebuild) run(ctx context.Context, media blob.Store) error {
	return upload.Manifests(ctx, media, func(id string, m contract.Manifest, err error) error {
		if err == nil {
			err = r.take(ctx, m)
		}
		r.seen++
		switch {
		case upload.OriginalGone(err):
			r.purged++
		case err != nil:
			r.failed++
			_, _ = fmt.Fprintf(r.stdout, "manifest %s: %s\n", id, sentence(err))
		}
		if r.seen%progressEach == 0 {
			_, _ = fmt.Fprintf(r.stdout, "%d manifests so far\n", r.seen)
		}
		return ctx.Err()
	})
}

func (r *rebuild) take(ctx context.Context, m contract.Manifest) error {
	owner, ok := identity.ParseOwner(m.Owner)
	if !ok {
		return errors.New("rebuild: a manifest without an owner")
	}
	known, err := r.catalog.Knows(ctx, owner, m.ID)
	if err == nil && !r.dry {
		err = r.catalog.Learn(ctx, m)
	}
	switch {
	case err != nil:
		return err
	case known:
		r.known++
	default:
		r.added++
	}
	return nil
}

func (r *rebuild) print() {
	_, _ = fmt.Fprintf(r.stdout, "%d manifests: %d added, %d known already, %d of images that are being purged, %d failed\n",
		r.seen, r.added, r.known, r.purged, r.failed)
}
