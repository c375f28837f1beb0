package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const root = "../../.."

// scratch is a folder for what all tests use.
var scratch string

// initialized is a checkout in which Terraform has its provider, or why there is
// none, and the program.
var initialized = sync.OnceValues(func() (*deployment, error) {
	program, err := exec.LookPath("tofu")
	if err != nil {
		if program, err = exec.LookPath("terraform"); err != nil {
			return nil, errors.New("SKIPPED: neither tofu nor terraform is installed")
		}
	}
	d := &deployment{program: program, dir: filepath.Join(scratch, "checkout"), env: []string{"TF_DATA_DIR=" + filepath.Join(scratch, "data")}}
	for _, part := range []string{"deployments/cloudrun", "deployments/telemetry", "deployments/terraform", "k8s/overlays/gke/settings"} {
		if err := os.CopyFS(filepath.Join(d.dir, part), os.DirFS(filepath.Join(root, part))); err != nil {
			return nil, err
		}
	}
	_, fetched := d.run(context.Background(), "init", "-backend=false")
	if out, err := d.run(context.Background(), "validate"); err != nil && fetched != nil && bytes.Contains(out, []byte(" init")) { // "run … init"
		return nil, fmt.Errorf("SKIPPED: %s has no provider for Google Cloud, and could not fetch it", filepath.Base(program))
	} else if err != nil {
		return nil, fmt.Errorf("validate: %w\n%s", err, out)
	}
	return d, nil
})

// deployment is a project of one's own with a checkout beside it, as whoever
// applies has them.
type deployment struct {
	*cloud
	program string
	dir     string // the checkout
	env     []string
}

// empty is a project in which nothing is, and a configuration that has not been
// applied, with the values of variables beside it. The test is skipped where
// Terraform or its provider is not at hand.
func empty(t *testing.T, variables ...string) *deployment {
	t.Helper()
	prepared, err := initialized()
	if err != nil && strings.HasPrefix(err.Error(), "SKIPPED: ") {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	d := &deployment{cloud: newCloud(), program: prepared.program, dir: t.TempDir()}
	if err := os.CopyFS(d.dir, os.DirFS(prepared.dir)); err != nil {
		t.Fatal(err)
	}
	d.write(t, "deployments/terraform/terraform.tfvars", strings.Join(append([]string{
		`project = "` + project + `"`, `region = "` + region + `"`, `release = "v1"`,
	}, variables...), "\n"))
	// Only so that the test takes less time: how long the provider waits for what
	// could be said in one call, and between two looks at whether something is done.
	d.write(t, "deployments/terraform/quick_override.tf", `provider "google" {
  poll_interval = "10ms"
  batching {
    enable_batching = true
    send_after      = "50ms"
  }
}
`)
	d.write(t, "services/web/ui/dist/app.js", "") // what deploy.sh looks for before it builds images
	d.env = slices.Concat(prepared.env, proxied(t, d.cloud), []string{"PATH=" + installed(t) + string(os.PathListSeparator) + os.Getenv("PATH")})
	return d
}

func (d *deployment) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs Terraform.
func (d *deployment) run(ctx context.Context, args ...string) ([]byte, error) {
	return d.command(ctx, d.program, append(args, "-no-color")...)
}

// command runs a program beside the configuration.
func (d *deployment) command(ctx context.Context, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = filepath.Join(d.dir, "deployments/terraform")
	cmd.Env = append(os.Environ(), d.env...)
	return cmd.CombinedOutput()
}

// must applies or destroys, and sees that nothing was refused on the way, that
// nobody else was called, and that nothing came early by luck alone.
func (d *deployment) must(t *testing.T, args ...string) {
	t.Helper()
	out, err := d.run(t.Context(), append(args, "-auto-approve", "-parallelism=50")...)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		t.Fatalf("%v: %v\n%s\n%s", args, err, problems(out), strings.Join(d.refused, "\n"))
	}
	for _, each := range append(slices.Clone(d.refused), d.outside...) {
		t.Errorf("%v: %s", args, each)
	}
}

// problems are Terraform's errors, or what it would do, without what it read
// before.
func problems(out []byte) []byte {
	for _, from := range []string{"\nError: ", "\nTerraform will perform", "\nOpenTofu will perform"} {
		if at := bytes.Index(out, []byte(from)); at >= 0 {
			return out[at:]
		}
	}
	return out
}

// settled sees that a plan after an apply has nothing to do.
func (d *deployment) settled(t *testing.T) {
	t.Helper()
	if out, err := d.run(t.Context(), "plan", "-detailed-exitcode"); err != nil {
		t.Errorf("a plan is not empty after an apply: %v\n%s", err, problems(out))
	}
}

// resource is what Terraform's state says of a resource.
type resource struct {
	kind, address string
	values        object
	dependsOn     []string
}

// state are the resources that are in Terraform's state. It is read as it is
// kept, for which Terraform does not start the provider.
func (d *deployment) state(t *testing.T) []resource {
	t.Helper()
	out, err := d.command(t.Context(), d.program, "state", "pull")
	if err != nil {
		t.Fatalf("state: %v\n%s", err, out)
	}
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Key          any `json:"index_key"`
				Attributes   object
				Dependencies []string
			}
		}
	}
	if err := json.Unmarshal(out[bytes.IndexByte(out, '{'):], &state); err != nil {
		t.Fatal(err)
	}
	var all []resource
	for _, each := range state.Resources {
		for _, one := range each.Instances {
			address := each.Type + "." + each.Name
			if each.Mode == "data" {
				address = "data." + address
			}
			if one.Key != nil {
				address += fmt.Sprintf("[%v]", one.Key)
			}
			all = append(all, resource{kind: each.Type, address: address, values: one.Attributes, dependsOn: one.Dependencies})
		}
	}
	return all
}
