package check

import (
	"errors"
	"testing"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// What we use of skaffold/v4beta11; https://skaffold.dev/docs/references/yaml/.
// Its own module cannot be had from Go's proxy.
type (
	skaffoldConfig struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name string `json:"name"`
		} `json:"metadata"`
		skaffoldPipeline
		Profiles []skaffoldProfile `json:"profiles"`
	}
	skaffoldPipeline struct {
		Build struct {
			TagPolicy struct {
				InputDigest *struct{} `json:"inputDigest"`
				GitCommit   *struct{} `json:"gitCommit"`
			} `json:"tagPolicy"`
			Artifacts []skaffoldArtifact `json:"artifacts"`
		} `json:"build"`
		Manifests struct {
			Kustomize *struct {
				Paths []string `json:"paths"`
			} `json:"kustomize"`
			RawYAML []string `json:"rawYaml"`
		} `json:"manifests"`
		Deploy struct {
			StatusCheck                   *bool `json:"statusCheck"`
			StatusCheckDeadlineSeconds    int   `json:"statusCheckDeadlineSeconds"`
			TolerateFailuresUntilDeadline bool  `json:"tolerateFailuresUntilDeadline"`
			Kubectl                       *struct {
				Flags struct {
					Apply []string `json:"apply"`
				} `json:"flags"`
				Hooks struct {
					Before []skaffoldDeployHook `json:"before"`
					After  []skaffoldDeployHook `json:"after"`
				} `json:"hooks"`
			} `json:"kubectl"`
			Cloudrun *struct {
				Region string `json:"region"`
			} `json:"cloudrun"`
		} `json:"deploy"`
		PortForward []struct {
			ResourceType string `json:"resourceType"`
			ResourceName string `json:"resourceName"`
			Namespace    string `json:"namespace"`
			Port         int32  `json:"port"`
			LocalPort    int32  `json:"localPort"`
		} `json:"portForward"`
	}
	skaffoldArtifact struct {
		Image string `json:"image"`
		Hooks struct {
			Before []skaffoldHook `json:"before"`
		} `json:"hooks"`
		Ko struct {
			Main         string   `json:"main"`
			FromImage    string   `json:"fromImage"`
			Flags        []string `json:"flags"`
			Ldflags      []string `json:"ldflags"`
			Dependencies struct {
				Paths  []string `json:"paths"`
				Ignore []string `json:"ignore"`
			} `json:"dependencies"`
		} `json:"ko"`
		Sync *struct {
			Manual []struct {
				Src   string `json:"src"`
				Dest  string `json:"dest"`
				Strip string `json:"strip"`
			} `json:"manual"`
		} `json:"sync"`
	}
	skaffoldHook struct {
		Command []string `json:"command"`
		OS      []string `json:"os"`
	}
	skaffoldDeployHook struct {
		Host skaffoldHook `json:"host"`
	}
	skaffoldProfile struct {
		Name       string `json:"name"`
		Activation []struct {
			Command string `json:"command"`
		} `json:"activation"`
		skaffoldPipeline
		Patches []struct {
			Op    string `json:"op"`
			Path  string `json:"path"`
			Value any    `json:"value"`
		} `json:"patches"`
	}
)

func skaffold(t *testing.T) skaffoldConfig {
	t.Helper()
	var c skaffoldConfig
	if err := strictly(read(t, "skaffold.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// strictly reads YAML; a field that the type does not have, or has in another
// case, is an error.
func strictly(text []byte, into any) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	unknown, err := json.UnmarshalStrict(data, into)
	return errors.Join(append(unknown, err)...)
}

// pipelines are what is built and deployed, by profile; "" is without one. What a
// profile does not say it has from there.
func pipelines(t *testing.T) map[string]skaffoldPipeline {
	t.Helper()
	c := skaffold(t)
	out := map[string]skaffoldPipeline{"": c.skaffoldPipeline}
	for _, profile := range c.Profiles {
		p := profile.skaffoldPipeline
		if len(p.Build.Artifacts) == 0 {
			p.Build.Artifacts = c.Build.Artifacts
		}
		if p.Manifests.Kustomize == nil && len(p.Manifests.RawYAML) == 0 {
			p.Manifests = c.Manifests
		}
		out[profile.Name] = p
	}
	return out
}
