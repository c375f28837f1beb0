// Package staticfiles brings the interface's files to where browsers get them
// without asking a service, and keeps those that pages of older revisions still
// refer to.
//
// It decides what is sent, kept and removed; where to is behind its port. It
// knows no SDK and no file system.
package staticfiles

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/services/web"
)

// Place is where files are served from.
type Place interface {
	// List gives every file below static/, with when it was last current.
	List(ctx context.Context) (map[string]time.Time, error)
	// Put stores a file, whole or not at all, as current at a time.
	Put(ctx context.Context, f web.StaticFile, at time.Time) error
	// Touch notes that a file is current at a time.
	Touch(ctx context.Context, name string, at time.Time) error
	// Remove deletes a file. One that is gone is no error.
	Remove(ctx context.Context, name string) error
}

// Options say what to do.
type Options struct {
	DryRun bool // change nothing, and report what would be done
	// PruneAfter removes what has not been current for so long; 0 removes nothing.
	PruneAfter time.Duration
	Now        func() time.Time
	// Report is told of every file: what is done with it, and since when it is
	// not current, or the zero time.
	Report func(do, name string, since time.Time)
}

// Result counts what was done.
type Result struct{ Sent, There, Older, Removed int }

// Collect sends the files that are not there, notes that all of them are current,
// and looks at those that were. Running it again sends nothing. The first error
// ends it; what was sent stays.
func Collect(ctx context.Context, to Place, files []web.StaticFile, o Options) (done Result, err error) {
	there, err := to.List(ctx)
	if err != nil {
		return done, fmt.Errorf("what is there cannot be listed: %w", err)
	}
	now := o.Now()
	for _, f := range files {
		_, known := there[f.Name]
		delete(there, f.Name)
		if err := send(ctx, to, f, known, now, o); err != nil {
			return done, fmt.Errorf("%s: %w", f.Name, err)
		}
		if known {
			done.There++
		} else {
			done.Sent++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		removed, err := older(ctx, to, name, there[name], now, o)
		if err != nil {
			return done, fmt.Errorf("%s: %w", name, err)
		}
		if removed {
			done.Removed++
		} else {
			done.Older++
		}
	}
	return done, nil
}

func send(ctx context.Context, to Place, f web.StaticFile, known bool, now time.Time, o Options) error {
	do, act := "send", func() error { return to.Put(ctx, f, now) }
	if known {
		do, act = "keep", func() error { return to.Touch(ctx, f.Name, now) }
	}
	o.Report(do, f.Name, time.Time{})
	if o.DryRun {
		return nil
	}
	return act()
}

func older(ctx context.Context, to Place, name string, since, now time.Time, o Options) (removed bool, err error) {
	if o.PruneAfter <= 0 || now.Sub(since) < o.PruneAfter {
		o.Report("older", name, since)
		return false, nil
	}
	o.Report("remove", name, since)
	if o.DryRun {
		return true, nil
	}
	return true, to.Remove(ctx, name)
}
