package apply

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// A release comes, is taken back, and comes once more, as docs/operations.md
// says.
func TestReleasesComeAndGo(t *testing.T) {
	t.Parallel()
	d := empty(t, `telemetry = false`)
	d.must(t, "apply")
	rollsOut(t, d.since(0), "v1")

	before := len(d.since(0))
	d.release(t, "v2")
	rollsOut(t, d.since(before), "v2")

	before = len(d.since(0))
	if out, err := d.command(t.Context(), "env", "PROJECT="+project, "REGION="+region, "../cloudrun/deploy.sh", "back"); err != nil {
		t.Fatalf("back: %v\n%s", err, out)
	}
	if got, want := d.since(before), []string{"sajin-web serves web:v1", "sajin-upload serves upload:v1", "sajin-catalog serves catalog:v1"}; !slices.Equal(got, want) {
		t.Errorf("back: %v, not %v", got, want)
	}

	// The release before, as one of its own: its migrations run again.
	before = len(d.since(0))
	d.release(t, "v1")
	rollsOut(t, d.since(before), "v1")
}

func (d *deployment) release(t *testing.T, release string) {
	t.Helper()
	d.must(t, "apply", "-refresh=false", "-var", "release="+release)
}

// rollsOut sees that a release is there before it is migrated, migrated before it
// serves, and serves then.
func rollsOut(t *testing.T, happened []string, release string) {
	t.Helper()
	phases := [][]string{
		{"pushed upload:", "pushed catalog:", "pushed web:", "pushed sajin:"},
		{"sajin-migrate ran sajin:", "sajin-collectstatic ran sajin:"},
		{
			"sajin-upload starts upload:", "sajin-catalog starts catalog:", "sajin-web starts web:",
			"sajin-upload serves upload:", "sajin-catalog serves catalog:", "sajin-web serves web:",
		},
	}
	for i, phase := range phases {
		for _, want := range phase {
			at := slices.Index(happened, want+release)
			if at < 0 {
				t.Errorf("%s: never: %s", release, want+release)
			}
			for _, later := range slices.Concat(phases[i+1:]...) {
				if then := slices.Index(happened, later+release); then >= 0 && then < at {
					t.Errorf("%s: %s before %s", release, later, want)
				}
			}
		}
	}
	if len(happened) != len(slices.Concat(phases...)) {
		t.Errorf("%s: more happened than that: %s", release, strings.Join(happened, ", "))
	}
}

// isKept sees that a destroy takes nothing at all where nobody has said that it
// may: a database without its schemas would be no use.
func (d *deployment) isKept(t *testing.T) {
	t.Helper()
	before := d.all()
	out, err := d.run(t.Context(), "destroy", "-auto-approve", "-parallelism=50", "-refresh=false")
	if err == nil || !strings.Contains(string(out), "deletion_protection=false") {
		t.Errorf("what is protected was removed, or nobody says how it may be: %v\n%s", err, problems(out))
	}
	after := d.all()
	for _, name := range before {
		if !slices.Contains(after, name) {
			t.Errorf("a destroy that was refused took %s", name)
		}
	}
}

// all are the names of everything, and the rights.
func (d *deployment) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Concat(slices.Collect(maps.Keys(d.things)), slices.Collect(maps.Keys(d.rights)))
}

// isRemoved sees that everything goes when it may. What Cloud Run has let go of
// is held for a while, so that it takes two attempts.
func (d *deployment) isRemoved(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	d.things["b/"+project+"-media/o/original"] = object{"name": "original", "generation": "1"}
	d.mu.Unlock()
	d.must(t, "apply", "-refresh=false", "-var", "deletion_protection=false")
	destroy := []string{"destroy", "-auto-approve", "-parallelism=50", "-refresh=false", "-var", "deletion_protection=false"}
	if out, err := d.run(t.Context(), destroy...); err == nil || !strings.Contains(string(out), "serverless-ipv4") {
		t.Errorf("Cloud Run has let go of its addresses at once: %v\n%s", err, problems(out))
	}
	d.hoursLater()
	if out, err := d.run(t.Context(), destroy...); err != nil {
		t.Fatalf("destroy: %v\n%s", err, problems(out))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.things {
		if name != project && !strings.HasPrefix(name, "projects/"+project+"/services/") && name != "projects/"+project+"/serviceAccount" {
			t.Errorf("still there: %s", name)
		}
	}
	for right := range d.rights {
		t.Errorf("still allowed: %s", sentence(right))
	}
}
