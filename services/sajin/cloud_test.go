//go:build !embedded

package main

import (
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub"
)

// Doctor tells deliveries that services refuse, or never get, from those they take.
func TestWhoDeliversEvents(t *testing.T) {
	t.Parallel()
	const ours, at = "push@project.example", "https://upload.example/events/s"
	for name, tt := range map[string]struct {
		delivery gcppubsub.Delivery
		account  string // whose pushes are taken
		says     string
		problem  string // "" for none
	}{
		"pulled":           {gcppubsub.Delivery{}, "", "pulled", ""},
		"pushed":           {gcppubsub.Delivery{Endpoint: at, Account: ours}, ours, "pushed to " + at, ""},
		"a job's look":     {gcppubsub.Delivery{Endpoint: at, Account: ours}, "", "pushed to " + at, ""},
		"pulled by nobody": {gcppubsub.Delivery{}, ours, "pulled", "is pulled by nobody"},
		"no token":         {gcppubsub.Delivery{Endpoint: at}, ours, "pushed to " + at, "is pushed without a token"},
		"another account":  {gcppubsub.Delivery{Endpoint: at, Account: "x@y.example"}, ours, "pushed to " + at, "is pushed by x@y.example, and SAJIN_EVENTS_PUSH_ACCOUNT is " + ours},
	} {
		if got := delivered(tt.delivery); got != tt.says {
			t.Errorf("%s: %q, want %q", name, got, tt.says)
		}
		lacks := undelivered(event.Subscription{Name: "s"}, tt.delivery, tt.account)
		if (len(lacks) > 0) != (tt.problem != "") || len(lacks) > 0 && (!strings.Contains(lacks[0].What, tt.problem) || !strings.Contains(lacks[0].Mend, ours)) {
			t.Errorf("%s: %+v, want %q", name, lacks, tt.problem)
		}
	}
}
