package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/upload"
)

// purgeCommand does once what the catalog does on a clock, and says what it
// purges. Asked to, it also tries again what could not be published. A dry run prints the same lines and changes nothing; it needs nothing
// but the database, and so works beside a gallery.
func purgeCommand(ctx context.Context, args []string, stdout io.Writer) error {
	dry, retry := false, false
	c, err := upkeep("purge", args, stdout, func(flags *flag.FlagSet) {
		flags.BoolVar(&dry, "dry-run", false, "")
		flags.BoolVar(&retry, "retry-failed", false, "")
	})
	if err != nil || c == nil {
		return err
	}
	named := 0
	say := func(e catalog.Expired) {
		named++
		_, _ = fmt.Fprintf(stdout, "purge %s %q, in the trash since %s\n", e.ID, e.Name, e.TrashedAt.Format(time.RFC3339))
	}
	work := keep
	if dry {
		work = due
	}
	done, err := work(ctx, c, retry, say)
	if more := done.Purged - named; dry && more > 0 {
		_, _ = fmt.Fprintf(stdout, "and %d more\n", more)
	}
	if err == nil || done != (catalog.Kept{}) {
		printKept(stdout, done, dry)
	}
	return err
}

// keep does it. The counts are right beside an error too.
func keep(ctx context.Context, c *configuration, retry bool, say func(catalog.Expired)) (none catalog.Kept, err error) {
	adapters, err := openUpkeep(ctx, c, platform.Events|platform.Database)
	if err != nil {
		return none, err
	}
	defer adapters.Close()
	// What is published to nobody is lost, on the embedded bus.
	if err := upload.Subscribe(ctx, adapters.Bus, c.upload); err != nil {
		return none, err
	}
	known, err := catalog.New(ctx, c.catalog, catalog.Deps{DB: adapters.DB, Bus: adapters.Bus, Log: slog.Default()})
	if err == nil {
		err = known.Ready(ctx)
	}
	if err != nil {
		return none, err
	}
	if retry {
		if _, err := known.Readmit(ctx); err != nil {
			return none, err
		}
	}
	return known.Keep(ctx, say)
}

// due says what keep would do. A schema that is behind is left as it is.
func due(ctx context.Context, c *configuration, retry bool, say func(catalog.Expired)) (none catalog.Kept, err error) {
	adapters, err := openUpkeep(ctx, c, platform.Database)
	if err != nil {
		return none, err
	}
	defer adapters.Close()
	v, err := catalog.SchemaVersions(ctx, adapters.DB)
	if err == nil && v.Have < v.Known {
		err = fmt.Errorf("the database is at version %d and has to be brought to %d first: sajin migrate", v.Have, v.Known)
	}
	if err != nil {
		return none, err
	}
	done, err := catalog.Due(ctx, adapters.DB, time.Now, say)
	if err != nil || !retry {
		return done, err
	}
	b, err := catalog.Outbox(ctx, adapters.DB)
	done.Sent += b.Aside
	return done, err
}

func printKept(w io.Writer, done catalog.Kept, dry bool) {
	_, _ = fmt.Fprintf(w, "%d images purged, %d old changes and %d old events forgotten, %d messages passed on\n",
		done.Purged, done.Forgotten, done.Events, done.Sent)
	if done.Aside > 0 {
		_, _ = fmt.Fprintf(w, "%d messages cannot be passed on and were set aside; the log says why. Try them again with: sajin purge -retry-failed\n", done.Aside)
	}
	if dry {
		_, _ = fmt.Fprintln(w, "This was a dry run: nothing was changed.")
	}
}
