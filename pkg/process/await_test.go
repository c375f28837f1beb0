package process_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/process"
)

var quiet = slog.New(slog.DiscardHandler)

func TestAwaitTriesAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, tries := time.Now(), 0
		err := process.Await(t.Context(), quiet, "the database", func(context.Context) error {
			switch tries++; {
			case tries < 4:
				return fault.New(fault.Unavailable, "database_unavailable", "")
			case tries < 7:
				return fault.Wrap("database.Ping", context.DeadlineExceeded) // of the attempt
			default:
				return nil
			}
		})
		if want := (1 + 2 + 4 + 8 + 15 + 15) * time.Second; err != nil || time.Since(start) != want {
			t.Errorf("%v after %s, want %s", err, time.Since(start), want)
		}
	})
}

func TestAwaitGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defect := errors.New("no such table")
		if err := process.Await(t.Context(), quiet, "the database", func(context.Context) error { return defect }); !errors.Is(err, defect) {
			t.Errorf("a defect: %v", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		start := time.Now()
		err := process.Await(ctx, quiet, "the database", func(context.Context) error { return fault.New(fault.Unavailable, "", "") })
		if err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("a stop: %v after %s", err, time.Since(start))
		}
	})
}
