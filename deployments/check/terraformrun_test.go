package check

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestTerraform has Terraform or OpenTofu judge the files by the provider's own
// schema, and run their tests, where the program is installed and the provider
// is at hand or can be fetched.
func TestTerraform(t *testing.T) {
	program, err := exec.LookPath("tofu")
	if err != nil {
		if program, err = exec.LookPath("terraform"); err != nil {
			t.Skip("SKIPPED: neither tofu nor terraform is installed")
		}
	}
	// A copy, since what is fetched is kept beside the files.
	dir := t.TempDir()
	for _, part := range []string{"deployments", filepath.Join("k8s", "overlays", "gke", "settings")} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(root, part))); err != nil {
			t.Fatal(err)
		}
	}
	in := filepath.Join(dir, "deployments", "terraform")
	_, fetched := terraformRun(t, in, time.Minute, program, "init", "-backend=false")
	out, err := terraformRun(t, in, time.Minute, program, "validate")
	if err != nil && fetched != nil && bytes.Contains(out, []byte(" init")) { // "run … init"
		t.Skipf("SKIPPED: %s has no provider for Google Cloud, and could not fetch it", filepath.Base(program))
	}
	if err != nil {
		t.Fatalf("validate: %v\n%s", err, out)
	}
	if out, err := terraformRun(t, in, 5*time.Minute, program, "test"); err != nil {
		t.Errorf("test: %v\n%s", err, out)
	}
}

func terraformRun(t *testing.T, dir string, most time.Duration, program string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, "-no-color")...)
	cmd.Dir = dir
	return cmd.CombinedOutput()
}
