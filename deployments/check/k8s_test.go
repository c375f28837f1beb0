package check

import (
	"bytes"
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// The overlays that are deployed. Each must be named here, and be there.
const (
	dev     = "k8s/overlays/dev"
	debug   = "k8s/overlays/debug"
	gke     = "k8s/overlays/gke"
	migrate = "k8s/overlays/gke/migrate"
)

var overlays = []string{dev, debug, gke, migrate}

// object is one of an overlay's objects: its kind and name, and the value of its
// real type.
type object struct {
	kind, namespace, name string
	value                 runtime.Object
}

// The kinds of Google's that we use, with the fields of theirs that we use;
// https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration.
type (
	managedCertificate struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Domains []string `json:"domains"`
		} `json:"spec"`
	}
	frontendConfig struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			RedirectToHTTPS struct {
				Enabled bool `json:"enabled"`
			} `json:"redirectToHttps"`
		} `json:"spec"`
	}
	backendConfig struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			TimeoutSec         int `json:"timeoutSec"`
			ConnectionDraining struct {
				DrainingTimeoutSec int `json:"drainingTimeoutSec"`
			} `json:"connectionDraining"`
			HealthCheck struct {
				Type             string `json:"type"`
				RequestPath      string `json:"requestPath"`
				Port             int32  `json:"port"`
				CheckIntervalSec int    `json:"checkIntervalSec"`
				TimeoutSec       int    `json:"timeoutSec"`
			} `json:"healthCheck"`
		} `json:"spec"`
	}
)

func (m *managedCertificate) DeepCopyObject() runtime.Object { return m }
func (m *frontendConfig) DeepCopyObject() runtime.Object     { return m }
func (m *backendConfig) DeepCopyObject() runtime.Object      { return m }

func (m *managedCertificate) GetObjectKind() schema.ObjectKind { return &m.TypeMeta }
func (m *frontendConfig) GetObjectKind() schema.ObjectKind     { return &m.TypeMeta }
func (m *backendConfig) GetObjectKind() schema.ObjectKind      { return &m.TypeMeta }

// googles makes a value of a kind that is Google's.
var googles = map[string]func() runtime.Object{
	"networking.gke.io/v1/ManagedCertificate":  func() runtime.Object { return new(managedCertificate) },
	"networking.gke.io/v1beta1/FrontendConfig": func() runtime.Object { return new(frontendConfig) },
	"cloud.google.com/v1/BackendConfig":        func() runtime.Object { return new(backendConfig) },
}

// decode reads one manifest; a field that its type does not have is an error.
func decode(text []byte) (object, error) {
	var head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return object{}, err
	}
	out := object{kind: head.Kind, namespace: head.Namespace, name: head.Name}
	if empty, ok := googles[head.APIVersion+"/"+head.Kind]; ok {
		out.value = empty()
		return out, strictly(text, out.value)
	}
	strict := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		serializer.SerializerOptions{Yaml: true, Strict: true})
	var err error
	out.value, _, err = strict.Decode(text, nil, nil)
	return out, err
}

// render is what would be applied.
func render(t *testing.T, overlay string) []object {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // the overlays say it
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(root, filepath.FromSlash(overlay)))
	if err != nil {
		t.Fatalf("%s: %v", overlay, err)
	}
	var out []object
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		o, err := decode(text)
		if err != nil {
			t.Errorf("%s: %s %s: %v", overlay, resource.GetKind(), resource.GetName(), err)
			continue
		}
		out = append(out, o)
	}
	return out
}

// each runs a test for every overlay.
func each(t *testing.T, f func(*testing.T, []object)) {
	t.Helper()
	for _, overlay := range overlays {
		t.Run(path.Base(overlay), func(t *testing.T) { f(t, render(t, overlay)) })
	}
}

// all are the objects of one type.
func all[T runtime.Object](objects []object) []T {
	var out []T
	for _, o := range objects {
		if value, ok := o.value.(T); ok {
			out = append(out, value)
		}
	}
	return out
}

// named is the object of one type with that name, which is the gallery's: the
// namespace localhost has a name for browsers only.
func named[T interface {
	runtime.Object
	metav1.Object
}](objects []object, name string) (zero T, found bool) {
	for _, value := range all[T](objects) {
		if value.GetName() == name && value.GetNamespace() != "localhost" {
			return value, true
		}
	}
	return zero, false
}

func TestEveryOverlayIsNamed(t *testing.T) {
	var found []string
	for _, pattern := range []string{"k8s/overlays/*/kustomization.yaml", "k8s/overlays/*/*/kustomization.yaml"} {
		for _, name := range glob(t, pattern) {
			found = append(found, path.Dir(name))
		}
	}
	parts := []string{"k8s/overlays/gke/settings"} // a part of others, and nothing alone
	for _, name := range found {
		if !slices.Contains(overlays, name) && !slices.Contains(parts, name) {
			t.Errorf("%s is checked by nothing", name)
		}
	}
}

// What kustomize made of the files has the fields of its type and no others, is
// in the namespace that the overlay makes, and nothing in it is left to replace.
func TestManifestsAreWhatTheySay(t *testing.T) {
	each(t, func(t *testing.T, objects []object) {
		if _, ok := named[*corev1.Namespace](objects, "sajin"); !ok {
			t.Error("the namespace is not made")
		}
		for _, o := range objects {
			if o.namespace != "sajin" && o.namespace != "localhost" && o.kind != "Namespace" {
				t.Errorf("%s %s is in the namespace %q", o.kind, o.name, o.namespace)
			}
			text, err := json.Marshal(o.value)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte(`"replaced"`)) {
				t.Errorf("%s %s: something was to be replaced and is not", o.kind, o.name)
			}
		}
	})
}

func TestAMistakeInAManifestIsFound(t *testing.T) {
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n"
	if _, err := decode([]byte(service)); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{strings.Replace(service, "ports", "port", 1), strings.Replace(service, "Service", "Servant", 1)} {
		if _, err := decode([]byte(wrong)); err == nil {
			t.Errorf("taken for right:\n%s", wrong)
		}
	}
	config := "apiVersion: cloud.google.com/v1\nkind: BackendConfig\nmetadata: {name: a}\nspec: {timeoutSec: 1}\n"
	if _, err := decode([]byte(config)); err != nil {
		t.Error(err)
	}
	if _, err := decode([]byte(strings.Replace(config, "timeoutSec", "timeout", 1))); err == nil {
		t.Error("a field that Google's kind does not have was taken")
	}
}
