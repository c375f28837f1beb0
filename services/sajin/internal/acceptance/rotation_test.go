package acceptance

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestF43_KeysRotate changes the keys by which the services know each other, one
// service at a time, as an operator does, while somebody looks at the gallery:
// a service that restarts may be missed for a moment, but nobody is refused, and
// after each step a file goes all the way.
func TestF43_KeysRotate(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts processes for some seconds")
	}
	d, ok := startSplit(t).(split)
	if !ok {
		t.Fatal("the services are not apart")
	}
	v := &victim{client: newClient(t, d), acknowledged: map[string]string{}, seed: seedRotation}
	old, young := serviceKey("old", "a"), serviceKey("new", "b")
	d.stop(t)
	for _, p := range d.processes() {
		p.Tell("SAJIN_SERVICE_KEYS=" + old)
	}
	d.start(t)
	ctx, leave := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() { v.look(ctx, t) })
	defer looking.Wait()
	defer leave()
	for _, keys := range []string{old + "," + young, young + "," + old, young} {
		for _, p := range d.processes() {
			p.Tell("SAJIN_SERVICE_KEYS=" + keys)
			stopAll(t, p)
			startAll(t, p)
			v.canary(t)
		}
	}
	leave()
	looking.Wait()
	auditKept(t, d, v.acknowledged)
}

// look asks for the list again and again until ctx ends. It may get none while a
// program restarts, but no refusal and no defect.
func (v *victim) look(ctx context.Context, t *testing.T) {
	seen := 0
	for ctx.Err() == nil {
		resp, err := v.do(ctx, http.MethodGet, "/api/v1/images", "", nil)
		switch {
		case err != nil: // web itself restarts
			pause(ctx)
		case resp.status == http.StatusOK:
			seen++
		case resp.status == http.StatusServiceUnavailable && resp.header.Get("Retry-After") != "":
			pause(ctx)
		default:
			t.Errorf("answered %d %s", resp.status, resp.body)
		}
	}
	if seen == 0 {
		t.Error("the list was never seen")
	}
}

// serviceKey is a key of a service, its secret filled with one letter.
func serviceKey(id, letter string) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

// seedRotation starts the seeds of this test's photographs.
const seedRotation = 700_000
