// Command storage is the Cloud Storage of a cluster of one's own, for the
// services in its pods and for the browser before it: the one that `make stack`
// has, as a program. `skaffold dev` deploys it; nothing else does.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

func main() { os.Exit(process.Main("storage", os.Stderr, run)) }

func run(ctx context.Context) error {
	addr := flag.String("addr", "127.0.0.1:4443", "where it listens")
	public := flag.String("public", "127.0.0.1:4443", "the host and port by which services and browsers reach it")
	dir := flag.String("data", "storage", "the folder that keeps the objects")
	project := flag.String("project", "sajin-dev", "the project whose bus hears of originals (PUBSUB_EMULATOR_HOST)")
	bucket := flag.String("bucket", stack.Bucket, "the name of the one bucket")
	flag.Parse()
	s, err := stack.OpenStorage(stack.StorageOptions{Dir: *dir, Public: *public, Project: *project, Bucket: *bucket})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // there is nothing to say when it ends
	l, err := httpx.Listen(ctx, *addr)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "listening", "addr", l.Addr().String(), "public", *public, "bucket", *bucket)
	return httpx.Serve(ctx, l, s)
}
