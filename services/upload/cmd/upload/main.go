// Command upload runs the upload service as a process of its own.
package main

import (
	"context"
	"os"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/upload"
)

// baseMemory is what the process needs besides the images in work.
const baseMemory = 80 << 20

func main() { upload.ImageWorker(); os.Exit(process.Main("upload", os.Stderr, run)) }

func run(ctx context.Context) error {
	where := platform.Config{Required: platform.Events | platform.Media}
	common, door := config.Common{}, platform.UploadDoor()
	var c upload.Config
	if err := process.Configure(os.Environ(), &common, &where, &door, &c); err != nil {
		return err
	}
	process.LimitMemory(baseMemory + c.Memory)
	adapters, err := kit.Open(ctx, where, where.Required)
	if err != nil {
		return err
	}
	defer adapters.Close()
	s, err := upload.New(ctx, c, upload.Deps{
		Blob: adapters.Media, Partials: adapters.Partials, Sessions: adapters.Sessions, Inbox: adapters.Inbox, Bus: adapters.Bus,
		Push: adapters.Push, Guard: door.Guard(),
	})
	if err != nil {
		return err
	}
	return process.ListenAndServe(ctx, &common, s)
}
