// Command stack runs Sajin on this machine as it runs in the cloud: three
// services, with MariaDB, Pub/Sub and Cloud Storage engines beside them. What is
// changed in the checkout that it is started in is built and started again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

func main() { os.Exit(process.Main("stack", os.Stderr, run)) }

func run(ctx context.Context) error {
	addr := flag.String("addr", "127.0.0.1:8080", "where the gallery listens")
	dir := flag.String("data", "sajin-stack", "the folder that keeps everything")
	auth := flag.String("auth", config.AuthNone, "who may come in: none asks nobody; password has accounts, and tells at the start the link that makes the first")
	flag.Parse()
	sources, err := stack.ReadSources(ctx, ".")
	if err != nil {
		return err
	}
	bin := filepath.Join(*dir, "bin")
	if err := stack.Build(ctx, bin, stack.Services()...); err != nil {
		return err
	}
	o := stack.Options{Dir: *dir, Bin: bin, Addr: *addr, Auth: *auth, Out: os.Stdout, Web: []string{"SAJIN_DEV=" + sources.Interface()}}
	s, err := stack.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("The gallery is at %s. What you change is built again. Ctrl-C stops everything.\n", s.URL())
	return s.Develop(ctx, o, sources)
}
