package chaos

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// Deployment is a Sajin whose programs can be killed, stopped and started.
type Deployment struct {
	Name      string
	URL       string
	Processes []*stack.Process
	Places    audit.Places
	// Engines closes what is not ours, when the programs have stopped.
	Engines func() error
}

// upload is what the upload service is told: what it has not finished it takes
// up soon, so that the end of a run is not a wait for ten minutes; and it answers
// soon for what is safe and not processed yet, since it will not live long.
var upload = []string{
	"SAJIN_UPLOAD_ANSWER_WITHIN=5s",
	"SAJIN_UPLOAD_SWEEP_AGE=10s", "SAJIN_UPLOAD_SWEEP_EVERY=2m", "SAJIN_UPLOAD_SESSION_LIFE=1m", "SAJIN_LOG_LEVEL=warn",
}

// AllInOne starts the one program on a data folder below dir; bin holds what
// stack.Build made.
func AllInOne(ctx context.Context, dir, bin string, out io.Writer) (*Deployment, error) {
	addr, err := loopback.Free(ctx)
	if err != nil {
		return nil, err
	}
	data, err := filepath.Abs(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	p := stack.NewProcess("sajin", filepath.Join(bin, "sajin"), addr, out, append([]string{"SAJIN_DATA_DIR=" + data}, upload...)...)
	if err := p.Start(ctx); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return &Deployment{
		Name: "all-in-one", URL: p.URL(), Processes: []*stack.Process{p},
		Places:  audit.Places{MediaDir: filepath.Join(data, "media"), Database: "sqlite://" + filepath.ToSlash(filepath.Join(data, "catalog.db"))},
		Engines: func() error { return nil },
	}, nil
}

// Split starts the three services with engines for what the cloud gives. Its
// bus is the SDK's fake: Google's emulator keeps messages for minutes from
// whoever is left when receivers were killed.
func Split(ctx context.Context, dir, bin string, out io.Writer) (*Deployment, error) {
	s, err := stack.Start(ctx, stack.Options{Dir: dir, Bin: bin, Out: out, FakePubSub: true, Upload: upload})
	if err != nil {
		return nil, err
	}
	d := &Deployment{
		Name: "split", URL: s.URL(),
		Places:  audit.Places{StorageURL: s.StorageURL(), Bucket: stack.Bucket, Database: s.DatabaseURL()},
		Engines: s.Close,
	}
	for _, name := range []string{"upload", "catalog", "web"} {
		d.Processes = append(d.Processes, s.Process(name))
	}
	return d, nil
}

// Stop stops the programs in good order, the edge first.
func (d *Deployment) Stop() error {
	var problems []error
	for _, p := range slices.Backward(d.Processes) {
		problems = append(problems, p.Stop())
	}
	return errors.Join(problems...)
}

// Start starts the programs again.
func (d *Deployment) Start(ctx context.Context) error {
	for _, p := range d.Processes {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close stops everything.
func (d *Deployment) Close() error { return errors.Join(d.Stop(), d.Engines()) }
