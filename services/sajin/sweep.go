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

// sweepCommand finishes what was left undone in the media store, once, and says
// what it does. A dry run prints the same lines and changes nothing.
func sweepCommand(ctx context.Context, args []string, stdout io.Writer) error {
	var o upload.SweepOptions
	c, err := upkeep("sweep", args, stdout, func(flags *flag.FlagSet) {
		flags.BoolVar(&o.DryRun, "dry-run", false, "")
		flags.BoolVar(&o.All, "all", false, "")
		flags.BoolVar(&o.RetryFailed, "retry-failed", false, "")
	})
	if err != nil || c == nil {
		return err
	}
	adapters, err := openUpkeep(ctx, c, platform.Events|platform.Media)
	if err != nil {
		return err
	}
	defer adapters.Close()
	// What is published is heard by a catalog that starts later, even its first time.
	if err := catalog.Subscribe(ctx, adapters.Bus, c.catalog); err != nil {
		return err
	}
	o.Report = func(step upload.SweepStep) { printStep(stdout, step) }
	done, err := upload.Sweep(ctx, c.upload, upload.Deps{
		Blob: adapters.Media, Partials: adapters.Partials, Inbox: adapters.Inbox, Bus: adapters.Bus, Log: slog.Default(),
	}, o)
	printSwept(stdout, done, o.DryRun)
	if err == nil && done.Failed > 0 {
		err = fmt.Errorf("%d could not be done and will be tried again by the next sweep", done.Failed)
	}
	return err
}

func printStep(w io.Writer, step upload.SweepStep) {
	line := step.Do + " " + step.Key
	if step.Err != nil {
		line += ": " + sentence(step.Err)
	}
	_, _ = fmt.Fprintln(w, line)
}

func printSwept(w io.Writer, done upload.Swept, dry bool) {
	_, _ = fmt.Fprintf(w, "%d taken in, %d processed, %d tried again, %d published again, %d sessions, %d leftovers removed, %d too young or at rest\n",
		done.Taken, done.Processed, done.Retried, done.Repeated, done.Sessions, done.Removed, done.Young)
	if done.Waiting > 0 {
		_, _ = fmt.Fprintf(w, "%d films stay in the inbox, since no picture of their name came with them\n", done.Waiting)
	}
	if dry {
		_, _ = fmt.Fprintln(w, "This was a dry run: nothing was changed.")
	}
}
