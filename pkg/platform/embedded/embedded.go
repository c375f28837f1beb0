// Package embedded opens an event bus whose server runs in this process, for a
// gallery that is one process, and every other bus as package buses does.
package embedded

import (
	"context"
	"path/filepath"

	"github.com/sajin-gallery/sajin/pkg/event/natsevents"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents/natsserver"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/buses"
)

// OpenBus opens what c.EventsURL names: nats+embedded:///folder, or what
// buses.Open opens. It is a platform.Kit's Events.
func OpenBus(ctx context.Context, c *platform.Config) (platform.Bus, platform.Push, error) {
	u, err := platform.Address("SAJIN_EVENTS_URL", c.EventsURL)
	if err != nil {
		return nil, nil, err
	}
	if u.Scheme != "nats+embedded" {
		return buses.Open(ctx, c)
	}
	server, err := natsserver.Start(filepath.FromSlash(u.Path))
	if err != nil {
		return nil, nil, err
	}
	bus, err := natsevents.Open(ctx, natsevents.Options{Server: server})
	if err != nil {
		return nil, nil, err
	}
	return bus, nil, nil
}
