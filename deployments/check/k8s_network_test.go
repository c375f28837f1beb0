package check

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// flows are what pods of an overlay may say to each other: "from to port".
func flows(t *testing.T, objects []object) []string {
	t.Helper()
	var out []string
	policies := all[*networkingv1.NetworkPolicy](objects)
	for _, from := range pods(objects) {
		for _, to := range pods(objects) {
			for _, c := range to.spec.Containers {
				for _, port := range c.Ports {
					if allowed(t, policies, from, to, port.ContainerPort) {
						out = append(out, fmt.Sprintf("%s %s %d", from.name, to.name, port.ContainerPort))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// allowed: somebody lets it out, and somebody lets it in.
func allowed(t *testing.T, policies []*networkingv1.NetworkPolicy, from, to pod, port int32) bool {
	t.Helper()
	out, in := false, false
	for _, p := range policies {
		if matches(t, &p.Spec.PodSelector, from) {
			for _, rule := range p.Spec.Egress {
				out = out || opens(t, rule.To, rule.Ports, to, port)
			}
		}
		if matches(t, &p.Spec.PodSelector, to) {
			for _, rule := range p.Spec.Ingress {
				in = in || opens(t, rule.From, rule.Ports, from, port)
			}
		}
	}
	return out && in
}

func matches(t *testing.T, s *metav1.LabelSelector, p pod) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(p.labels))
}

// opens reports whether a rule is about a pod and a port. Blocks of addresses are
// of the world outside.
func opens(t *testing.T, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, p pod, port int32) bool {
	t.Helper()
	if !slices.ContainsFunc(ports, func(o networkingv1.NetworkPolicyPort) bool { return o.Port.IntVal == port }) {
		return false
	}
	return len(peers) == 0 || slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool {
		return peer.NamespaceSelector == nil && peer.PodSelector != nil && matches(t, peer.PodSelector, p)
	})
}

// Nothing may be said but what has to be.
func TestPodsReachOnlyWhatTheyNeed(t *testing.T) {
	gallery := []string{"web catalog 8080", "web upload 8080"}
	for overlay, want := range map[string][]string{
		gke: append(slices.Clone(gallery), "catalog collector 4318", "upload collector 4318", "web collector 4318"),
		dev: append(slices.Clone(gallery),
			"catalog mysql 3306", "web mysql 3306",
			"catalog pubsub 8085", "storage pubsub 8085", "upload pubsub 8085",
			"seed storage 4443", "upload storage 4443", "web storage 4443",
			"seed web 8080"),
	} {
		slices.Sort(want)
		if got := flows(t, render(t, overlay)); !slices.Equal(got, want) {
			t.Errorf("%s: pods may say\n%q, want\n%q", overlay, got, want)
		}
	}
}

// What no rule opens is closed, in both directions, for every pod.
func TestTheRestIsDenied(t *testing.T) {
	for _, overlay := range []string{dev, debug, gke} {
		p, ok := named[*networkingv1.NetworkPolicy](render(t, overlay), "default-deny")
		if !ok || len(p.Spec.PodSelector.MatchLabels)+len(p.Spec.PodSelector.MatchExpressions) > 0 || len(p.Spec.PolicyTypes) != 2 || len(p.Spec.Ingress)+len(p.Spec.Egress) > 0 {
			t.Errorf("%s: %+v", overlay, p)
		}
	}
}
