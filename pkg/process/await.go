package process

import (
	"context"
	"log/slog"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// The pauses between attempts to reach what a service needs at its start.
const (
	FirstPause = time.Second
	LastPause  = 15 * time.Second
)

// Absent reports whether err is of something that is not there yet: it cannot be
// reached, or has not answered in time.
func Absent(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Timeout
}

// Await calls try until what it reaches for is there, so that services may
// start in any order and none falls into a crash loop. It returns nil then, or
// when ctx has ended; an error that is not Absent is not tried again.
func Await(ctx context.Context, log *slog.Logger, what string, try func(context.Context) error) error {
	for pause := FirstPause; ctx.Err() == nil; pause = min(2*pause, LastPause) {
		err := try(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if !Absent(err) {
			return err
		}
		log.WarnContext(ctx, what+" is not ready and is tried again", "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}
