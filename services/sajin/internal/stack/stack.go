// Package stack runs Sajin as it runs in the cloud, on one machine: the three
// services as processes of their own, with MariaDB for Cloud SQL, the Pub/Sub
// emulator and a Cloud Storage emulator. `make stack` is it for developers; the
// acceptance tests run on it.
//
// It knows the programs by their binaries and environment only.
package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
)

// What the engines are told.
const (
	project  = "sajin-dev"
	database = "catalog"
	accounts = "web" // the database of the accounts, where there are any
)

// Bucket is the name of the bucket that keeps the media.
const Bucket = "sajin-media"

// Options say where and with what a stack runs.
type Options struct {
	Dir  string    // everything it keeps, made where it is missing
	Bin  string    // the folder with the binaries upload, catalog and web (see Build)
	Addr string    // of the gallery; a free port of 127.0.0.1 when empty
	Out  io.Writer // what the programs print

	// FakePubSub takes the SDK's fake also where the emulator is installed. The
	// emulator hands all that is waiting to whoever asks first, whatever he says
	// he can take, and after the death of a few receivers rests for minutes.
	FakePubSub bool

	// Auth is who may come in, as SAJIN_AUTH has it: config.AuthNone, which "" is
	// too, or config.AuthPassword.
	Auth string

	// What all services, the upload and the web service are told besides, as
	// NAME=value.
	All, Upload, Web []string

	// BeforeStorage puts something between the services and the storage
	// emulator: it is given the emulator's address and gives back its own. Nil
	// for nothing.
	BeforeStorage func(upstream string) (addr string, err error)
}

// Stack is a running stack.
type Stack struct {
	engines   *engines
	processes map[string]*Process
	started   []*Process
}

// Start starts the engines and the services, and waits until all are ready. On
// failure everything that was started is stopped.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	s := &Stack{processes: map[string]*Process{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if o.Auth = cmp.Or(o.Auth, config.AuthNone); o.Auth != config.AuthNone && o.Auth != config.AuthPassword {
		return nil, fmt.Errorf("stack: nobody here can say who comes in by %q: it must be %s or %s", o.Auth, config.AuthNone, config.AuthPassword)
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil { // the database changes its folder
		return nil, fmt.Errorf("stack: %w", err)
	}
	if s.engines, err = startEngines(ctx, o); err != nil {
		return nil, err
	}
	if err := s.describe(ctx, o); err != nil {
		return nil, err
	}
	for _, name := range []string{"upload", "catalog", "web"} {
		p := s.processes[name]
		s.started = append(s.started, p)
		if err := p.Start(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// describe gives every service its address and its environment.
func (s *Stack) describe(ctx context.Context, o Options) error {
	addr := map[string]string{"web": o.Addr}
	for _, name := range []string{"upload", "catalog", "web"} {
		if addr[name] != "" {
			continue
		}
		free, err := loopback.Free(ctx)
		if err != nil {
			return err
		}
		addr[name] = free
	}
	// Each service is told what it needs and nothing more, as when it is
	// deployed. They prove themselves to each other with keys of this run.
	auth := []string{"SAJIN_SERVICE_AUTH=local", "SAJIN_SERVICE_KEYS=" + newKeys()}
	env := map[string][]string{
		"upload":  append([]string{"SAJIN_MEDIA_URL=gs://" + Bucket, "SAJIN_EVENTS_URL=pubsub://" + project}, o.Upload...),
		"catalog": {"SAJIN_DATABASE_URL=" + s.engines.databaseURL, "SAJIN_EVENTS_URL=pubsub://" + project},
		"web": append([]string{
			"SAJIN_MEDIA_URL=gs://" + Bucket, "SAJIN_AUTH=" + o.Auth,
			"SAJIN_CATALOG_URL=http://" + addr["catalog"], "SAJIN_UPLOAD_URL=http://" + addr["upload"],
		}, o.Web...),
	}
	if o.Auth == config.AuthPassword {
		env["web"] = append(env["web"], "SAJIN_WEB_DATABASE_URL="+s.engines.accountsURL)
	}
	for name, own := range env {
		out := &prefixed{prefix: name + " | ", to: o.Out}
		own = slices.Concat(own, auth, s.engines.env, o.All)
		s.processes[name] = NewProcess(name, filepath.Join(o.Bin, name), addr[name], out, own...)
	}
	return nil
}

// newKeys makes one key, and names it for the log.
func newKeys() string {
	secret := make([]byte, keyring.MinSecretBytes)
	_, _ = rand.Read(secret) // never fails
	return "stack:" + base64.StdEncoding.EncodeToString(secret)
}

// URL is the gallery's address.
func (s *Stack) URL() string { return s.processes["web"].URL() }

// StorageURL is where the storage emulator itself listens.
func (s *Stack) StorageURL() string { return s.engines.storageURL }

// DatabaseURL is where the catalog's database is.
func (s *Stack) DatabaseURL() string { return s.engines.databaseURL }

// Process is the service of that name: upload, catalog or web.
func (s *Stack) Process(name string) *Process { return s.processes[name] }

// Close stops the services, the edge first, then the engines.
func (s *Stack) Close() error {
	var problems []error
	for _, p := range slices.Backward(s.started) {
		problems = append(problems, p.Stop())
	}
	if s.engines != nil {
		problems = append(problems, s.engines.close())
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("stack: close: %w", err)
	}
	return nil
}
