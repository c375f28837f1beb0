// Command web runs the web service as a process of its own.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/catalog/catalogclient"
	"github.com/sajin-gallery/sajin/services/upload/uploadclient"
	"github.com/sajin-gallery/sajin/services/web"
)

func main() { os.Exit(process.Main("web", os.Stderr, run)) }

func run(ctx context.Context) error {
	var common config.Common
	var where platform.Config
	var peers platform.Peers
	var c web.Config
	if err := process.Configure(os.Environ(), &common, &where, &peers, &c); err != nil {
		return err
	}
	adapters, err := platform.Open(ctx, where, platform.Media)
	if err != nil {
		return err
	}
	defer adapters.Close()
	catalog, upload := peers.Catalog(), peers.Upload()
	s, err := web.New(ctx, c, web.Deps{
		Catalog:  catalogclient.New(catalog.Base, catalog.Transport),
		Uploader: uploadclient.New(upload.Target()),
		Media:    adapters.Media, Log: slog.Default(),
	})
	if err != nil {
		return err
	}
	return process.ListenAndServe(ctx, &common, s)
}
