// Package buses opens the event buses that are servers of their own: Pub/Sub and
// NATS. The one whose server is in the process is package embedded's: only the
// all-in-one has a use for it, and it is a large part of a program.
package buses

import (
	"context"
	"fmt"

	"github.com/sajin-gallery/sajin/pkg/event/natsevents"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// Open opens what c.EventsURL names: pubsub://project or nats://host:port. It is a
// platform.Kit's Events.
func Open(ctx context.Context, c *platform.Config) (platform.Bus, platform.Push, error) {
	u, err := platform.Address("SAJIN_EVENTS_URL", c.EventsURL)
	if err != nil {
		return nil, nil, err
	}
	switch u.Scheme {
	case "pubsub":
		return openPubSub(ctx, u.Host, c)
	case "nats":
		bus, err := natsevents.Open(ctx, natsevents.Options{URL: c.EventsURL})
		if err != nil {
			return nil, nil, err
		}
		return bus, nil, nil
	default:
		return nil, nil, fmt.Errorf("%w:\nSAJIN_EVENTS_URL: %s belongs to one process, and so to the all-in-one; a service on its own needs pubsub or nats", process.ErrConfig, u.Scheme)
	}
}
