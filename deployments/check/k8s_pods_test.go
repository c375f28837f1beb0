package check

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// engines are the images of others, which only a cluster of one's own runs.
var engines = []string{"mysql:", "gcr.io/google.com/cloudsdktool/google-cloud-cli:"}

// pod is what starts pods, by the name of what starts it.
type pod struct {
	name   string
	labels map[string]string
	spec   corev1.PodSpec
}

func pods(objects []object) []pod {
	var out []pod
	for _, d := range all[*appsv1.Deployment](objects) {
		out = append(out, pod{d.Name, d.Spec.Template.Labels, d.Spec.Template.Spec})
	}
	for _, j := range all[*batchv1.Job](objects) {
		out = append(out, pod{j.Name, j.Spec.Template.Labels, j.Spec.Template.Spec})
	}
	return out
}

func containersOf(spec corev1.PodSpec) []corev1.Container {
	return append(slices.Clone(spec.InitContainers), spec.Containers...)
}

func engine(image string) bool {
	return slices.ContainsFunc(engines, func(prefix string) bool { return strings.HasPrefix(image, prefix) })
}

func yes(b *bool) bool { return b != nil && *b }
func no(b *bool) bool  { return b != nil && !*b }

// What the level "restricted" of Kubernetes asks for, and more: nothing can be
// written but volumes, and nobody is given an account that he does not use.
func TestPodsAreRestricted(t *testing.T) {
	each(t, func(t *testing.T, objects []object) {
		for _, p := range pods(objects) {
			s := p.spec.SecurityContext
			if s == nil || !yes(s.RunAsNonRoot) || s.RunAsUser == nil || *s.RunAsUser == 0 ||
				s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s: who it runs as", p.name)
			}
			if !no(p.spec.AutomountServiceAccountToken) || !no(p.spec.EnableServiceLinks) || p.spec.HostNetwork || p.spec.HostPID {
				t.Errorf("%s is given what it does not use", p.name)
			}
			for _, c := range containersOf(p.spec) {
				checkRestricted(t, p.name, c)
			}
		}
	})
}

func checkRestricted(t *testing.T, pod string, c corev1.Container) {
	t.Helper()
	s := c.SecurityContext
	if s == nil || !no(s.AllowPrivilegeEscalation) || !yes(s.ReadOnlyRootFilesystem) || yes(s.Privileged) ||
		s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
		t.Errorf("%s: %s may do more than it has to", pod, c.Name)
	}
	r := c.Resources
	if r.Requests.Cpu().IsZero() || r.Requests.Memory().IsZero() || r.Limits.Memory().IsZero() || r.Limits.Memory().Cmp(*r.Requests.Memory()) < 0 {
		t.Errorf("%s: %s does not say what it needs, and its most of memory", pod, c.Name)
	}
}

// Every image is one of the programs, or an engine of a version that is said.
func TestImagesAreOurs(t *testing.T) {
	each(t, func(t *testing.T, objects []object) {
		for _, p := range pods(objects) {
			for _, c := range containersOf(p.spec) {
				if _, ours := programOf(c.Image); !ours && c.Image != collectorImage(t) && (!engine(c.Image) || strings.HasSuffix(c.Image, ":latest")) {
					t.Errorf("%s: the image %s is no program's", p.name, c.Image)
				}
			}
		}
	})
}

// programOf is where the main package of an image is.
func programOf(image string) (string, bool) {
	if image == "storage" { // the one that is never deployed
		return "services/sajin/cmd/storage", true
	}
	dir, ok := programs[image]
	return dir, ok
}

// Every variable is one that the program reads; every command one that it has.
func TestPodsAreToldWhatTheirProgramsRead(t *testing.T) {
	has := commands(t)
	each(t, func(t *testing.T, objects []object) {
		for _, p := range pods(objects) {
			for _, c := range containersOf(p.spec) {
				if engine(c.Image) || c.Image == collectorImage(t) {
					continue
				}
				var read []string
				if _, deployed := programs[c.Image]; deployed {
					read = variables(t, c.Image)
				}
				for _, e := range c.Env {
					if strings.HasPrefix(e.Name, "SAJIN_") && !slices.Contains(read, e.Name) {
						t.Errorf("%s: %s does not read %s", p.name, c.Image, e.Name)
					}
				}
				if c.Image == "sajin" && (len(c.Args) == 0 || !slices.Contains(has, c.Args[0])) {
					t.Errorf("%s: sajin has no command %v", p.name, c.Args)
				}
			}
		}
	})
}

// Services are asked how they are, at the addresses that they answer, on the port
// that they listen on, and get the time to drain.
func TestServicesAreProbed(t *testing.T) {
	known := probes(t)
	each(t, func(t *testing.T, objects []object) {
		for _, d := range all[*appsv1.Deployment](objects) {
			c := d.Spec.Template.Spec.Containers[0]
			if _, service := programs[c.Image]; !service {
				continue
			}
			listens := ":8080"
			if i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "SAJIN_ADDR" }); i < 0 || c.Env[i].Value != listens || c.Ports[0].ContainerPort != 8080 {
				t.Errorf("%s does not listen where its port is", d.Name)
			}
			for which, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "live": c.LivenessProbe, "ready": c.ReadinessProbe} {
				if probe == nil || probe.HTTPGet == nil || !slices.Contains(known, probe.HTTPGet.Path) || probe.HTTPGet.Path != "/healthz/"+which || !hasPort(c, probe.HTTPGet.Port) {
					t.Errorf("%s is not asked about %s", d.Name, which)
				}
			}
			grace := d.Spec.Template.Spec.TerminationGracePeriodSeconds
			if pause := c.Lifecycle.PreStop.Sleep.Seconds; grace == nil || *grace < pause+10 {
				t.Errorf("%s has no time to drain", d.Name)
			}
		}
	})
}

func hasPort(c corev1.Container, port intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal
	})
}
