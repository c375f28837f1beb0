package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"github.com/sajin-gallery/sajin/services/sajin/internal/dirstatic"
	"github.com/sajin-gallery/sajin/services/sajin/internal/staticfiles"
	"github.com/sajin-gallery/sajin/services/web"
)

// collectstaticCommand brings the interface's files to where web's
// SAJIN_STATIC_URL has browsers get them.
func collectstaticCommand(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("sajin collectstatic", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dry := flags.Bool("dry-run", false, "")
	prune := flags.Duration("prune-older-than", 0, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return helped(stdout, err)
	case err != nil:
		return usageError("%w", err)
	case flags.NArg() != 1:
		return usageError("say where to: gs://bucket or file:///folder")
	case *prune < 0:
		return usageError("-prune-older-than must be 0 or more, not %s", *prune)
	}
	files, err := web.StaticFiles()
	if err != nil {
		return err
	}
	to, done, err := openStatic(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	defer done()
	result, err := staticfiles.Collect(ctx, to, files, staticfiles.Options{
		DryRun: *dry, PruneAfter: *prune, Now: time.Now,
		Report: func(do, name string, since time.Time) {
			if !since.IsZero() {
				name += ", not current since " + since.UTC().Format(time.DateOnly)
			}
			_, _ = fmt.Fprintf(stdout, "%s %s\n", do, name)
		},
	})
	_, _ = fmt.Fprintf(stdout, "%d sent, %d there already, %d older ones left for older revisions, %d removed\n",
		result.Sent, result.There, result.Older, result.Removed)
	if *dry {
		_, _ = fmt.Fprintln(stdout, "This was a dry run: nothing was changed.")
	}
	return err
}

// openStatic opens the place of an address; done closes it.
func openStatic(ctx context.Context, raw string) (to staticfiles.Place, done func(), err error) {
	u, err := url.Parse(raw)
	switch {
	case err == nil && u.Scheme == "file" && u.Host == "" && len(u.Path) > 1:
		return dirstatic.Open(filepath.FromSlash(u.Path)), func() {}, nil
	case err == nil && u.Scheme == "gs" && u.Host != "" && (u.Path == "" || u.Path == "/"):
		return openStaticBucket(ctx, u.Host)
	default:
		return nil, nil, usageError("%q is neither gs://bucket nor file:///folder", raw)
	}
}
