// Command web runs the web service as a process of its own.
package main

import (
	"context"
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
	common, peers, c := config.Common{}, platform.Peers{}, web.Config{}
	where := platform.Config{Required: platform.Media | platform.Accounts}
	if err := process.Configure(os.Environ(), &common, &where, &peers, &c); err != nil {
		return err
	}
	toCatalog, toUpload, err := peers.Targets()
	if err != nil {
		return err
	}
	adapters, err := kit.Open(ctx, where, where.Required)
	if err != nil {
		return err
	}
	defer adapters.Close()
	deps := web.Deps{Catalog: catalogclient.New(toCatalog), Uploader: uploadclient.New(toUpload), Accounts: adapters.Accounts}
	deps.Media, deps.SessionOrigin = adapters.Media, adapters.SessionOrigin()
	s, err := web.New(ctx, c, deps)
	if err != nil {
		return err
	}
	return process.ListenAndServe(ctx, &common, s)
}
