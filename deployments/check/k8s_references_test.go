package check

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// selects reports whether a selector takes some pod of the overlay.
func selects(t *testing.T, objects []object, s *metav1.LabelSelector) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(pods(objects), func(p pod) bool { return selector.Matches(labels.Set(p.labels)) })
}

// byHand are the secrets that no file holds: the operator makes them, and
// docs/operations.md says how.
func byHand(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, m := range regexp.MustCompile(`kubectl [^\n]*create secret generic (\S+)[^\n]* --from-literal=([a-z-]+)=`).FindAllStringSubmatch(string(read(t, "docs/operations.md")), -1) {
		out[m[1]] = append(out[m[1]], m[2])
	}
	return out
}

// Every key of a ConfigMap or a Secret that a pod asks for is there, and so are
// its account and its volumes.
func TestWhatPodsReferToIsThere(t *testing.T) {
	secrets := byHand(t)
	each(t, func(t *testing.T, objects []object) {
		known := func(kind, name, key string) bool {
			if c, ok := named[*corev1.ConfigMap](objects, name); ok && kind == "ConfigMap" {
				return key == "" || has(c.Data, key)
			}
			if s, ok := named[*corev1.Secret](objects, name); ok && kind == "Secret" {
				return has(s.Data, key) || has(s.StringData, key)
			}
			return kind == "Secret" && slices.Contains(secrets[name], key)
		}
		for _, p := range pods(objects) {
			if a := p.spec.ServiceAccountName; a != "" {
				if _, ok := named[*corev1.ServiceAccount](objects, a); !ok {
					t.Errorf("%s: there is no account %s", p.name, a)
				}
			}
			var volumes []string
			for _, v := range p.spec.Volumes {
				volumes = append(volumes, v.Name)
				if v.ConfigMap != nil && !known("ConfigMap", v.ConfigMap.Name, "") {
					t.Errorf("%s: there is no ConfigMap %s", p.name, v.ConfigMap.Name)
				}
			}
			for _, c := range containersOf(p.spec) {
				for _, m := range c.VolumeMounts {
					if !slices.Contains(volumes, m.Name) {
						t.Errorf("%s: there is no volume %s", p.name, m.Name)
					}
				}
				for _, e := range c.Env {
					if e.ValueFrom == nil {
						continue
					}
					if r := e.ValueFrom.ConfigMapKeyRef; r != nil && !known("ConfigMap", r.Name, r.Key) {
						t.Errorf("%s: %s: the ConfigMap %s has no %s", p.name, e.Name, r.Name, r.Key)
					}
					if r := e.ValueFrom.SecretKeyRef; r != nil && !known("Secret", r.Name, r.Key) {
						t.Errorf("%s: %s: the Secret %s has no %s", p.name, e.Name, r.Name, r.Key)
					}
				}
			}
		}
	})
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// Selectors find pods, and what scales, guards or leads to something finds it.
func TestSelectorsFindTheirPods(t *testing.T) {
	each(t, func(t *testing.T, objects []object) {
		for _, d := range all[*appsv1.Deployment](objects) {
			selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
			if err != nil || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
				t.Errorf("%s does not select its own pods: %v", d.Name, err)
			}
		}
		for _, s := range all[*corev1.Service](objects) {
			checkService(t, objects, s)
		}
		for _, b := range all[*policyv1.PodDisruptionBudget](objects) {
			if !selects(t, objects, b.Spec.Selector) {
				t.Errorf("the budget %s is nobody's", b.Name)
			}
		}
		for _, a := range all[*autoscalingv2.HorizontalPodAutoscaler](objects) {
			d, ok := named[*appsv1.Deployment](objects, a.Spec.ScaleTargetRef.Name)
			if !ok || d.Spec.Replicas != nil {
				t.Errorf("what %s scales is not there, or says itself how many there are", a.Name)
			}
		}
		for _, i := range all[*networkingv1.Ingress](objects) {
			backend := i.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			if s, ok := named[*corev1.Service](objects, backend.Name); !ok || s.Spec.Ports[0].Name != backend.Port.Name {
				t.Errorf("%s leads to %s, which is not there", i.Name, backend.Name)
			}
		}
	})
}

func checkService(t *testing.T, objects []object, s *corev1.Service) {
	t.Helper()
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		name, _, _ := strings.Cut(s.Spec.ExternalName, ".")
		if _, ok := named[*corev1.Service](objects, name); !ok || s.Spec.ExternalName != name+".sajin.svc.cluster.local" {
			t.Errorf("%s stands for %s, which is not there", s.Name, s.Spec.ExternalName)
		}
		return
	}
	reached := false
	for _, p := range pods(objects) {
		if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.labels)) {
			reached = slices.ContainsFunc(p.spec.Containers, func(c corev1.Container) bool { return hasPort(c, s.Spec.Ports[0].TargetPort) })
		}
	}
	if !reached {
		t.Errorf("nobody listens behind the service %s", s.Name)
	}
}

// The accounts of the cluster that act for Google's say so.
func TestAccountsActForGoogles(t *testing.T) {
	for _, overlay := range []string{gke, migrate} {
		for _, a := range all[*corev1.ServiceAccount](render(t, overlay)) {
			if account := a.Annotations["iam.gke.io/gcp-service-account"]; !strings.HasSuffix(account, ".iam.gserviceaccount.com") {
				t.Errorf("%s: %s acts for %q", overlay, a.Name, account)
			}
		}
	}
}

// upload is scaled by a backlog that it has.
func TestTheBacklogIsUploads(t *testing.T) {
	a, ok := named[*autoscalingv2.HorizontalPodAutoscaler](render(t, gke), "upload")
	if !ok {
		t.Fatal("upload is not scaled")
	}
	found := false
	for _, m := range a.Spec.Metrics {
		if m.External != nil {
			found = slices.Contains(literals(t, "services/upload"), m.External.Metric.Selector.MatchLabels["resource.labels.subscription_id"])
		}
	}
	if !found {
		t.Error("upload has no subscription of that name")
	}
}

// Addresses of the cluster that are in the environment lead to a service.
func TestAddressesLeadToServices(t *testing.T) {
	for _, overlay := range []string{dev, gke} {
		objects := render(t, overlay)
		for variable, value := range environment(objects) {
			host, port := addressed(variable, value)
			if host == "" {
				continue
			}
			name, namespace, other := strings.Cut(host, ".")
			s, ok := named[*corev1.Service](objects, name)
			if other && namespace != s.Namespace && !slices.ContainsFunc(objects, func(o object) bool { return o.kind == "Service" && o.name == name && o.namespace == namespace }) {
				ok = false
			}
			if !ok || len(s.Spec.Ports) == 0 || port != s.Spec.Ports[0].TargetPort.String() && port != itoa(s.Spec.Ports[0].Port) {
				t.Errorf("%s: %s is %s, and no service is there", overlay, variable, value)
			}
		}
	}
}

// addressed is the host and port of the cluster that a variable leads to, if it
// leads to one.
func addressed(variable, value string) (host, port string) {
	if strings.HasSuffix(variable, "_EMULATOR_HOST") {
		host, port, _ = strings.Cut(value, ":")
		return host, port
	}
	if u, err := url.Parse(value); err == nil && (u.Scheme == "http" || u.Scheme == "mysql") {
		return u.Hostname(), u.Port()
	}
	return "", ""
}

// environment is every variable of every pod with its value.
func environment(objects []object) map[string]string {
	out := map[string]string{}
	for _, p := range pods(objects) {
		for _, c := range containersOf(p.spec) {
			for _, e := range c.Env {
				value := e.Value
				if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
					if m, ok := named[*corev1.ConfigMap](objects, e.ValueFrom.ConfigMapKeyRef.Name); ok {
						value = m.Data[e.ValueFrom.ConfigMapKeyRef.Key]
					}
				}
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					if m, ok := named[*corev1.Secret](objects, e.ValueFrom.SecretKeyRef.Name); ok {
						value = string(m.Data[e.ValueFrom.SecretKeyRef.Key])
					}
				}
				if value != "" {
					out[p.name+"/"+e.Name] = value
				}
			}
		}
	}
	return out
}
