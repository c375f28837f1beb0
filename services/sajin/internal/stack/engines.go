package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub/pubsubtest"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// engines are what the cloud would give: a database, a bus and a bucket.
type engines struct {
	databaseURL string
	accountsURL string
	busAddr     string
	storageURL  string   // of the emulator itself, whatever is before it
	env         []string // by which the services find the emulators
	closers     []func() error
}

func startEngines(ctx context.Context, o Options) (_ *engines, err error) {
	e := &engines{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if err := e.startDatabase(ctx, filepath.Join(o.Dir, "mariadb")); err != nil {
		return nil, err
	}
	if err := e.startPubSub(ctx, o); err != nil {
		return nil, err
	}
	return e, e.startStorage(ctx, o)
}

func (e *engines) startDatabase(ctx context.Context, dir string) error {
	server, err := mysqltest.Start(ctx, dir)
	if err != nil {
		return err
	}
	e.closers = append(e.closers, server.Close)
	if e.databaseURL, err = server.CreateDatabase(ctx, database); err != nil {
		return err
	}
	e.accountsURL, err = server.CreateDatabase(ctx, accounts)
	return err
}

// startPubSub starts the emulator, or the SDK's fake where that is not
// installed.
func (e *engines) startPubSub(ctx context.Context, o Options) error {
	launch := pubsubtest.Launch
	if o.FakePubSub {
		launch = pubsubtest.LaunchFake
	}
	server, err := launch(context.WithoutCancel(ctx)) // close stops it, after the services
	if err != nil {
		return err
	}
	e.closers = append(e.closers, server.Stop)
	e.env = append(e.env, "PUBSUB_EMULATOR_HOST="+server.Addr)
	e.busAddr = server.Addr
	_, _ = fmt.Fprintf(o.Out, "%s is at %s\n", server.Name, server.Addr)
	return nil
}

// startStorage starts a Cloud Storage whose bucket tells the bus of every
// original, as a bucket's notifications do.
func (e *engines) startStorage(ctx context.Context, o Options) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	e.closers = append(e.closers, func() error { _ = l.Close(); return nil }) // closed already by what serves on it
	addr := l.Addr().String()
	reached := addr
	if o.BeforeStorage != nil {
		if reached, err = o.BeforeStorage(addr); err != nil {
			return fmt.Errorf("stack: before the storage: %w", err)
		}
	}
	storage, err := openStorageFor(e.busAddr, StorageOptions{Dir: filepath.Join(o.Dir, "bucket"), Public: reached, Project: project, Bucket: Bucket})
	if err != nil {
		return err
	}
	e.closers = append(e.closers, storage.Close)
	front := &http.Server{Handler: storage, ReadHeaderTimeout: httpx.ReadHeaderTimeout}
	go func() { _ = front.Serve(l) }() // until it is closed
	e.closers = append(e.closers, front.Close)
	e.storageURL = "http://" + addr
	e.env = append(e.env, "STORAGE_EMULATOR_HOST="+reached)
	return nil
}

// environment is held by who opens a storage: what its emulator is told by is one
// for the whole process, and stacks may start side by side.
var environment sync.Mutex

// openStorageFor opens a storage that publishes on the bus at an address: its
// emulator publishes from this process, and looks for the bus nowhere else.
func openStorageFor(bus string, o StorageOptions) (*Storage, error) {
	environment.Lock()
	defer environment.Unlock()
	if err := os.Setenv("PUBSUB_EMULATOR_HOST", bus); err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	return OpenStorage(o)
}

// close stops the engines, the last started first.
func (e *engines) close() error {
	var problems []error
	for _, closer := range slices.Backward(e.closers) {
		problems = append(problems, closer())
	}
	return errors.Join(problems...)
}
