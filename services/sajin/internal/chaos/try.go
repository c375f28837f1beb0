package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// deployments are what can be tried, by name.
var deployments = map[string]func(ctx context.Context, dir, bin string, out io.Writer) (*Deployment, error){
	"all-in-one": AllInOne, "split": Split,
}

// Try builds the programs and runs it on each of the named deployments, with
// commas between them, one after the other. What they keep is in a folder of
// dir for each, removed if all is as promised.
func Try(ctx context.Context, dir, which string, o Options, out io.Writer) error {
	if o.Uploads < 1 || o.Clients < 1 || o.Patience <= 0 || o.Kill <= 0 {
		return errors.New("chaos: uploads, clients, patience and kill must be greater than 0")
	}
	names := strings.Split(which, ",")
	for _, name := range names {
		if deployments[name] == nil {
			return fmt.Errorf("chaos: there is no deployment %q", name)
		}
	}
	_, _ = fmt.Fprintf(out, "SEED=%d\n", o.Seed)
	bin := filepath.Join(dir, "bin")
	if err := stack.Build(ctx, bin, append(stack.Services(), "github.com/sajin-gallery/sajin/services/sajin")...); err != nil {
		return err
	}
	var problems []error
	for _, name := range names {
		if err := try(ctx, name, filepath.Join(dir, fmt.Sprint(name, "-", o.Seed)), bin, o, out); err != nil {
			problems = append(problems, fmt.Errorf("%s, SEED=%d: %w", name, o.Seed, err))
		}
	}
	return errors.Join(problems...)
}

// try runs it on one deployment. What the programs print is in the folder's log.
func try(ctx context.Context, name, dir, bin string, o Options, out io.Writer) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	d, err := deployments[name](ctx, dir, bin, log)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, d.Close()); err == nil {
			err = os.RemoveAll(dir) // what went well is of no use
		}
	}()
	_, _ = fmt.Fprintf(out, "%s: what the programs say is in %s\n", name, log.Name())
	report, err := Run(ctx, d, o)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, strings.Join(report.Lines(), "\n"))
	if !report.OK() {
		return fmt.Errorf("not everything was as promised; it is kept in %s", dir)
	}
	return nil
}
