package check

import (
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
	if !slices.Contains(c.Env, "CGO_ENABLED=0") || !slices.Contains(c.Flags, "-trimpath") || !slices.Contains(c.Flags, "-tags=nodynamic") {
		t.Errorf("built with %v %v", c.Env, c.Flags)
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
