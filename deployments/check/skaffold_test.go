package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestSkaffoldHasTheProfiles(t *testing.T) {
	c := skaffold(t)
	if c.APIVersion != "skaffold/v4beta11" || c.Kind != "Config" {
		t.Errorf("it is a %s %s", c.APIVersion, c.Kind)
	}
	found := pipelines(t)
	for _, name := range []string{"", "dev", "debug", "migrate", "gke", "cloudrun"} {
		p, ok := found[name]
		if !ok || len(p.Build.Artifacts) == 0 {
			t.Errorf("there is no profile %q", name)
		}
	}
}

// What an overlay runs is built where it is deployed, and nothing else is.
func TestSkaffoldBuildsWhatItDeploys(t *testing.T) {
	for name, p := range pipelines(t) {
		if p.Manifests.Kustomize == nil {
			continue
		}
		var built, run []string
		for _, a := range p.Build.Artifacts {
			built = append(built, a.Image)
		}
		for _, overlay := range p.Manifests.Kustomize.Paths {
			for _, pod := range pods(render(t, overlay)) {
				for _, c := range containersOf(pod.spec) {
					if !engine(c.Image) && c.Image != collectorImage(t) {
						run = append(run, c.Image)
					}
				}
			}
		}
		slices.Sort(built)
		slices.Sort(run)
		if run = slices.Compact(run); !slices.Equal(built, run) {
			t.Errorf("profile %q builds %q and runs %q", name, built, run)
		}
	}
}

// Every image is the program that it is named for; ko needs to be told as a path.
func TestSkaffoldBuildsThePrograms(t *testing.T) {
	for name, p := range pipelines(t) {
		for _, a := range p.Build.Artifacts {
			dir, known := programOf(a.Image)
			if !known || a.Ko.Main != "./"+dir {
				t.Errorf("profile %q: the image %s is made of %s", name, a.Image, a.Ko.Main)
			}
			if files := parse(t, strings.TrimPrefix(a.Ko.Main, "./")).files; len(files) == 0 || files[0].Name.Name != "main" {
				t.Errorf("profile %q: %s is no program", name, a.Ko.Main)
			}
			if !slices.Equal(a.Ko.Flags, []string{"-tags=" + tags}) {
				t.Errorf("profile %q: %s is built with %q", name, a.Image, a.Ko.Flags)
			}
			for _, hook := range a.Hooks.Before {
				if hook.Command[0] != "make" || !strings.Contains(string(read(t, "Makefile")), "\n"+hook.Command[1]+":") {
					t.Errorf("profile %q: before %s is built: %q", name, a.Image, hook.Command)
				}
			}
		}
	}
}

// skaffold gives up over a pattern that nothing matches, and does not build again
// what is made of something else. (What the image sajin does in a cluster of
// one's own is made of less, as skaffold.yaml says; so is the emulator.)
func TestSkaffoldKnowsWhatImagesAreMadeOf(t *testing.T) {
	made := map[string][]string{}
	for name, p := range pipelines(t) {
		for _, a := range p.Build.Artifacts {
			for _, pattern := range a.Ko.Dependencies.Paths {
				if found, err := fs.Glob(os.DirFS(root), pattern); err != nil || len(found) == 0 || !tracked(t, pattern) {
					t.Errorf("profile %q: %s is made of %s, which is not there: %v", name, a.Image, pattern, err)
				}
			}
			if !slices.Contains(a.Ko.Dependencies.Paths, ".ko.yaml") {
				t.Errorf("profile %q: %s is made as .ko.yaml says", name, a.Image)
			}
			if _, deployed := programs[a.Image]; !deployed {
				continue
			}
			if made[a.Ko.Main] == nil {
				made[a.Ko.Main] = madeOf(t, a.Ko.Main)
			}
			for _, dir := range made[a.Ko.Main] {
				if a.Image == "sajin" && name != "migrate" && !slices.ContainsFunc(sending, func(part string) bool { return strings.HasPrefix(dir, part) }) {
					continue
				}
				if !covered(a.Ko.Dependencies.Paths, dir) || slices.Contains(a.Ko.Dependencies.Ignore, dir+"/**") {
					t.Errorf("profile %q: %s is made of %s too", name, a.Image, dir)
				}
			}
			if a.Image == "web" {
				checkScripts(t, name, a)
			}
		}
	}
}

// sending is what the image sajin is made of, as far as it sends pictures.
var sending = []string{"services/sajin", "services/web/webclient", "pkg/contract"}

// checkScripts holds what web is built of to what the Makefile has for the scripts.
func checkScripts(t *testing.T, profile string, web skaffoldArtifact) {
	t.Helper()
	const ui = "services/web/ui/"
	sources := regexp.MustCompile(`\$\(UI\)/([a-z-]+(?:\.[a-z]+)?)`).FindAllStringSubmatch(string(read(t, "Makefile")), -1)
	if len(sources) == 0 {
		t.Fatal("the Makefile does not say what scripts are built of")
	}
	for _, source := range sources {
		if name := source[1]; name != "dist" && name != "node" && !covered(web.Ko.Dependencies.Paths, ui+name) {
			t.Errorf("profile %q: web is made of %s too", profile, ui+name)
		}
	}
}

// tracked reports whether a fresh clone has something that matches.
func tracked(t *testing.T, pattern string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "--", ":(glob)"+pattern, ":(glob)"+pattern+"/**")
	cmd.Dir = root
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) || err != nil && !isCheckout() {
		return true // from an archive, where there is nothing to ask
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(out) > 0
}

func isCheckout() bool {
	_, err := os.Stat(filepath.Join(root, ".git"))
	return err == nil
}

// madeOf are the folders of the packages of ours that a program consists of.
func madeOf(t *testing.T, main string) []string {
	t.Helper()
	var dirs []string
	for _, path := range linked(t, main) {
		if dir, ours := strings.CutPrefix(path, module); ours {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func covered(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return dir == pattern || strings.HasPrefix(dir, pattern+"/") || path.Dir(pattern) == dir && strings.HasSuffix(pattern, ".go")
	})
}

// Every file that web reads again for every page goes to where it reads it, by one
// rule, and no other file does.
func TestSkaffoldSyncsTheInterface(t *testing.T) {
	web := skaffold(t).Build.Artifacts[0]
	where := interfaceFolder(t)
	for _, pattern := range []string{"services/web/ui/styles/*", "services/web/ui/static/*", "services/web/internal/pages/templates/*", "services/web/internal/pages/locales/*"} {
		for _, file := range glob(t, pattern) {
			var to []string
			for _, rule := range web.Sync.Manual {
				if ok, err := path.Match(rule.Src, file); err == nil && ok {
					to = append(to, path.Join(rule.Dest, strings.TrimPrefix(file, rule.Strip)))
				}
			}
			if want := path.Join(where, strings.TrimPrefix(file, "services/web/")); !slices.Equal(to, []string{want}) {
				t.Errorf("%s goes to %q, want %s", file, to, want)
			}
			if !covered(web.Ko.Dependencies.Paths, file) {
				t.Errorf("%s is not watched", file)
			}
		}
	}
}

// interfaceFolder is the folder that web reads in the dev overlay; it can be
// written to.
func interfaceFolder(t *testing.T) string {
	t.Helper()
	d, ok := named[*appsv1.Deployment](render(t, dev), "web")
	if !ok {
		t.Fatal("there is no web")
	}
	spec := d.Spec.Template.Spec
	for _, e := range spec.Containers[0].Env {
		if e.Name != "SAJIN_DEV" {
			continue
		}
		for _, m := range spec.Containers[0].VolumeMounts {
			i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name && v.EmptyDir != nil })
			if m.MountPath == e.Value && !m.ReadOnly && i >= 0 {
				return e.Value
			}
		}
	}
	t.Fatal("web reads no folder that can be written to")
	return ""
}

func TestSkaffoldForwardsWhatIsThere(t *testing.T) {
	objects := render(t, dev)
	for _, f := range skaffold(t).PortForward {
		s, ok := named[*corev1.Service](objects, f.ResourceName)
		if !ok || f.ResourceType != "service" || f.Namespace != s.Namespace || f.Port != s.Spec.Ports[0].Port {
			t.Errorf("%s, port %d is no service", f.ResourceName, f.Port)
		}
		// Addresses of sessions have the port that pods know.
		if f.LocalPort != f.Port {
			t.Errorf("%s is at %d here and at %d there", f.ResourceName, f.LocalPort, f.Port)
		}
	}
}

// The jobs that hooks delete and wait for are jobs of the overlay; the scripts
// that they run are there.
func TestSkaffoldHooksNameWhatIsThere(t *testing.T) {
	named := regexp.MustCompile(`\bjob[ /]([a-z]+)`)
	for name, p := range pipelines(t) {
		if p.Deploy.Kubectl == nil {
			continue
		}
		for _, hook := range append(p.Deploy.Kubectl.Hooks.Before, p.Deploy.Kubectl.Hooks.After...) {
			last := hook.Host.Command[len(hook.Host.Command)-1]
			if strings.HasSuffix(last, ".sh") {
				last = string(read(t, last))
			}
			found := named.FindAllStringSubmatch(last, -1)
			if len(found) == 0 {
				t.Errorf("profile %q: a hook about nothing: %q", name, hook.Host.Command)
			}
			for _, job := range found {
				if !slices.ContainsFunc(render(t, p.Manifests.Kustomize.Paths[0]), func(o object) bool { return o.kind == "Job" && o.name == job[1] }) {
					t.Errorf("profile %q: there is no job %s", name, job[1])
				}
			}
		}
	}
}

// What profiles take away or add is where they say, which skaffold does not start
// without; and what comes of it is still a configuration.
func TestSkaffoldPatchesFit(t *testing.T) {
	for _, profile := range skaffold(t).Profiles {
		var tree map[string]any
		if err := yaml.Unmarshal(read(t, "skaffold.yaml"), &tree); err != nil {
			t.Fatal(err)
		}
		for _, patch := range profile.Patches {
			holder, err := find(tree, path.Dir(patch.Path))
			in, ok := holder.(map[string]any)
			name := path.Base(patch.Path)
			if err != nil || !ok || patch.Op == "remove" && in[name] == nil {
				t.Errorf("profile %q: %s %s: %v", profile.Name, patch.Op, patch.Path, err)
				continue
			}
			if delete(in, name); patch.Op == "add" {
				in[name] = patch.Value
			}
		}
		text, err := yaml.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictly(text, new(skaffoldConfig)); err != nil {
			t.Errorf("profile %q: %v", profile.Name, err)
		}
	}
}

// find is what is at a pointer, such as /build/artifacts/0.
func find(node any, pointer string) (any, error) {
	for step := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if step == "" { // the whole
			continue
		}
		switch in := node.(type) {
		case map[string]any:
			next, ok := in[step]
			if !ok {
				return nil, fmt.Errorf("there is no %s", step)
			}
			node = next
		case []any:
			var i int
			if _, err := fmt.Sscanf(step, "%d", &i); err != nil || i >= len(in) {
				return nil, fmt.Errorf("there is no item %s", step)
			}
			node = in[i]
		default:
			return nil, fmt.Errorf("%s is in no object", step)
		}
	}
	return node, nil
}

// The profile of Cloud Run deploys the files that are there for it.
func TestSkaffoldDeploysCloudRunsFiles(t *testing.T) {
	for _, name := range pipelines(t)["cloudrun"].Manifests.RawYAML {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
}
