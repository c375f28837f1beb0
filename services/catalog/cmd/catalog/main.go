// Command catalog runs the catalog service as a process of its own.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/catalog"
)

func main() { os.Exit(process.Main("catalog", os.Stderr, run)) }

func run(ctx context.Context) error {
	var common config.Common
	where := platform.Config{Required: platform.Events | platform.Database}
	door := platform.CatalogDoor()
	var c catalog.Config
	if err := process.Configure(os.Environ(), &common, &where, &door, &c); err != nil {
		return err
	}
	adapters, err := kit.Open(ctx, where, where.Required)
	if err != nil {
		return err
	}
	defer adapters.Close()
	s, err := catalog.New(ctx, c, catalog.Deps{
		DB: adapters.DB, Bus: adapters.Bus, Now: time.Now, Log: slog.Default(), Push: adapters.Push, Guard: door.Guard(),
	})
	if err != nil {
		return err
	}
	return process.ListenAndServe(ctx, &common, s)
}
