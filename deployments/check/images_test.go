package check

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// koConfig is what we use of .ko.yaml.
// https://ko.build/configuration/
type koConfig struct {
	BaseImage string   `json:"defaultBaseImage"`
	Platforms []string `json:"defaultPlatforms"`
	Env       []string `json:"defaultEnv"`
	Flags     []string `json:"defaultFlags"`
	Ldflags   []string `json:"defaultLdflags"`
	Builds    []struct {
		ID   string `json:"id"`
		Main string `json:"main"`
	} `json:"builds"`
}

// tags are what every program that is deployed is built with: no search for native
// codecs (decision 0033), and nothing of gRPC's that Google's SDKs bring along and
// nobody here uses (0053).
const tags = "nodynamic,disable_grpc_modules,grpcnotrace"

func ko(t *testing.T) koConfig {
	t.Helper()
	var c koConfig
	if err := yaml.UnmarshalStrict(read(t, ".ko.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKoBuildsThePrograms(t *testing.T) {
	built := map[string]string{}
	for _, b := range ko(t).Builds {
		built[b.ID] = b.Main
	}
	for name, dir := range programs {
		if built[name] != "./"+dir {
			t.Errorf("ko builds %s of %q, not of ./%s", name, built[name], dir)
		}
		if main := parse(t, dir); len(main.files) == 0 || main.files[0].Name.Name != "main" {
			t.Errorf("%s is no program", dir)
		}
	}
	if len(built) != len(programs) {
		t.Errorf("ko builds %v", built)
	}
}

func TestKoBuildsStaticProgramsThatAreNotRoot(t *testing.T) {
	c := ko(t)
	if !strings.Contains(c.BaseImage, "distroless/static") || !strings.HasSuffix(c.BaseImage, ":nonroot") {
		t.Errorf("the base is %s", c.BaseImage)
	}
	if !slices.Contains(c.Env, "CGO_ENABLED=0") || !slices.Contains(c.Flags, "-trimpath") || !slices.Contains(c.Flags, "-tags="+tags) {
		t.Errorf("built with %v %v", c.Env, c.Flags)
	}
}

// What a program links it pays for in memory, used or not: an SDK of Google's is
// ten megabytes of it.
func TestServicesDoNotCarryWhatTheyDoNotUse(t *testing.T) {
	everywhere := []string{
		"google.golang.org/grpc/xds", "github.com/envoyproxy/go-control-plane", "golang.org/x/net/trace", "github.com/nats-io/nats-server",
	}
	for name, others := range map[string][]string{
		"upload":  {"modernc.org/sqlite", "github.com/go-sql-driver/mysql", "cloud.google.com/go/cloudsqlconn"},
		"catalog": {"cloud.google.com/go/storage"},
		"web":     {"cloud.google.com/go/pubsub", "github.com/nats-io/nats.go"},
	} {
		linked := linked(t, "./"+programs[name])
		if len(linked) < 100 {
			t.Fatalf("%s consists of %d packages", name, len(linked))
		}
		for _, path := range linked {
			if slices.ContainsFunc(append(others, everywhere...), func(unused string) bool { return path == unused || strings.HasPrefix(path, unused+"/") }) {
				t.Errorf("%s links %s", name, path)
			}
		}
	}
}

// linked are the packages that a program consists of, as it is deployed.
func linked(t *testing.T, main string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags, "-f", "{{.ImportPath}}", main)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// What is tested as it is deployed is built as it is deployed.
func TestTheAcceptanceTestsBuildWhatKoBuilds(t *testing.T) {
	const file = "services/sajin/internal/acceptance/acceptance_test.go"
	if !strings.Contains(string(read(t, file)), strings.Join(ko(t).Flags, " ")) {
		t.Errorf("%s does not build with %v", file, ko(t).Flags)
	}
}

func TestTheScriptBuildsWhatKoBuilds(t *testing.T) {
	script := string(read(t, cloudRun+"deploy.sh"))
	for _, b := range ko(t).Builds {
		if !strings.Contains(script, " "+b.Main) {
			t.Errorf("deploy.sh does not build %s", b.Main)
		}
	}
}
