package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/services/sajin/internal/display"
	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
	"github.com/sajin-gallery/sajin/services/sajin/internal/gormdjango"
	"github.com/sajin-gallery/sajin/services/sajin/internal/takeout"
)

// imports are the kinds of things that pictures can be imported from.
var imports = map[string]command{
	"folder":  importFolder,
	"takeout": importTakeout,
	"django":  importDjango,
}

// importCommand is sajin import.
func importCommand(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return usageError("say what to import: folder, takeout or django")
	}
	run, ok := imports[args[0]]
	if !ok && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		return helped(stdout, flag.ErrHelp)
	}
	if !ok {
		return usageError("nothing can be imported from %q", args[0])
	}
	return run(ctx, args[1:], stdout)
}

// helped answers who asks a command for help, and passes other errors on.
func helped(stdout io.Writer, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, usage)
	}
	return err
}

// importFolder brings in folders, their structure as albums.
func importFolder(ctx context.Context, args []string, stdout io.Writer) error {
	s := newSending("import folder")
	if err := s.parse(args); err != nil {
		return helped(stdout, err)
	}
	for _, name := range s.flags.Args() {
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			return usageError("%s is no folder; sajin upload sends files", name)
		}
	}
	found, err := folder.Find(ctx, s.album, s.flags.Args()...)
	if err != nil {
		return err
	}
	return s.send(ctx, found, stdout)
}

// importTakeout brings in an export of Google Photos.
func importTakeout(ctx context.Context, args []string, stdout io.Writer) error {
	s := newSending("import takeout")
	if err := s.parse(args); err != nil {
		return helped(stdout, err)
	}
	export, err := takeout.Open(ctx, s.album, s.flags.Args()...)
	if err != nil {
		return err
	}
	defer func() { _ = export.Close() }() // it was only read
	err = s.send(ctx, export.Found, stdout)
	_, _ = fmt.Fprintf(stdout, "The export describes %d of the pictures and names %d albums.\n", export.Known, export.Albums)
	if export.Trashed > 0 {
		_, _ = fmt.Fprintf(stdout, "%d were in the trash there and were left out.\n", export.Trashed)
	}
	writeSome(stdout, "have no description beside them; what they say themselves counts", export.Alone)
	return err
}

// importDjango brings in the pictures of a table of Django's.
func importDjango(ctx context.Context, args []string, stdout io.Writer) (err error) {
	s := newSending("import django")
	dsn := s.flags.String("dsn", "", "")
	place := s.flags.String("media", "", "")
	if err := s.parseFlags(args); err != nil {
		return helped(stdout, err)
	}
	switch {
	case *dsn == "" || *place == "":
		return usageError("say with -dsn where the table t_images is, and with -media where its pictures are")
	case s.flags.NArg() > 0:
		return usageError("%q is one word too many", s.flags.Arg(0))
	}
	found, media, err := s.findDjango(ctx, *dsn, *place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, media.Close()) }()
	return s.send(ctx, found, stdout)
}

// findDjango lists the pictures; the caller closes what holds them.
func (s *sending) findDjango(ctx context.Context, dsn, place string) (found folder.Found, media gormdjango.Media, err error) {
	address, err := gormdb.FromDSN(dsn)
	if err != nil {
		return found, nil, usageError("%w", err)
	}
	db, err := gormdb.Open(ctx, address, gormdb.Options{})
	if err != nil {
		return found, nil, usageError("%w", err)
	}
	if pool, err := db.DB(); err == nil {
		defer func() { _ = pool.Close() }() // it was only read
	}
	media, err = gormdjango.OpenMedia(ctx, place)
	if err != nil {
		return found, nil, fmt.Errorf("the media cannot be looked at: %w", err)
	}
	if found, err = gormdjango.Find(ctx, db, media, s.album); err != nil {
		err = errors.Join(err, media.Close())
	}
	return found, media, err
}

// namedAtMost is how many files a report names of each kind that is no failure.
const namedAtMost = 20

// writeSome names files that a person may want to look at.
func writeSome(w io.Writer, what string, names []string) {
	if len(names) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "%d pictures %s:\n", len(names), what)
	for _, name := range names[:min(len(names), namedAtMost)] {
		_, _ = fmt.Fprintf(w, "  %s\n", display.Plain(name))
	}
	if more := len(names) - namedAtMost; more > 0 {
		_, _ = fmt.Fprintf(w, "  and %d more\n", more)
	}
}
