package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/upload"
)

// purgeCommand does once what the catalog does on a clock.
func purgeCommand(ctx context.Context, args []string, stdout io.Writer) error {
	c, err := upkeep("purge", args, stdout, func(*flag.FlagSet) {})
	if err != nil || c == nil {
		return err
	}
	adapters, err := openUpkeep(ctx, c, platform.Events|platform.Database)
	if err != nil {
		return err
	}
	defer adapters.Close()
	// What is published to nobody is lost, on the embedded bus.
	if err := upload.Subscribe(ctx, adapters.Bus, c.upload); err != nil {
		return err
	}
	known, err := catalog.New(ctx, c.catalog, catalog.Deps{DB: adapters.DB, Bus: adapters.Bus, Log: slog.Default()})
	if err == nil {
		err = known.Ready(ctx)
	}
	if err != nil {
		return err
	}
	done, err := known.Keep(ctx)
	_, _ = fmt.Fprintf(stdout, "%d images purged, %d old changes and %d old events forgotten, %d messages passed on\n",
		done.Purged, done.Forgotten, done.Events, done.Sent)
	return err
}
