package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/identity"
)

// hostileServices are requests that speak to the edge as services speak to each
// other.
var hostileServices = []hostileRow{
	{"S05_WhoActsIsNotInAHeader", whoActsIsNotInAHeader},
	{"S10_TraceHeaders", traceHeaders},
}

// whoActsIsNotInAHeader: whatever a client says of itself in the headers by which
// services speak, it sees what everybody sees.
func whoActsIsNotInAHeader(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	w := v.dial(t)
	w.send("GET /api/v1/images/" + id + " HTTP/1.1\r\nHost: " + v.host() + "\r\nConnection: close\r\n" +
		identity.OwnerHeader + ": mallory\r\n" + strings.ToLower(identity.OwnerHeader) + ": root\r\n" +
		"X-User-ID: root\r\nX-Internal: 1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-User: root\r\n" +
		"X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1\r\nX-Serverless-Authorization: Bearer x\r\n\r\n")
	resp := w.reply(http.MethodGet)
	var image struct{ Owner string }
	if err := json.Unmarshal(resp.body, &image); resp.status != http.StatusOK || err != nil || strings.Contains(string(resp.body), "mallory") {
		t.Errorf("%d %s", resp.status, resp.body)
	}
	for _, path := range []string{"/v1/images", "/v1/months", "/events/catalog-images", "/events/upload-objects", "/v1/uploads"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := v.exchange(t, method, path); got.status < 400 || got.status >= 500 {
				t.Errorf("%s %s, which is another service's: %d", method, path, got.status)
			}
		}
	}
}

// traceHeaders: what a client says of its trace is bounded, and what it says of
// its request is not taken over.
func traceHeaders(t *testing.T, v *victim) {
	for name, size := range map[string]int{"Baggage": 1 << 20, "Tracestate": 1 << 20, "Traceparent": 1 << 20} {
		w := v.dial(t)
		w.send("GET /api/v1/months HTTP/1.1\r\nHost: " + v.host() + "\r\n" + name + ": k=")
		w.send(strings.Repeat("v", size))
		if resp := w.reply(http.MethodGet); resp.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s of %d bytes: %d", name, size, resp.status)
		}
	}
	for name, header := range map[string]string{
		"a long id": "X-Request-Id: " + strings.Repeat("a", 4096), "two ids": "X-Request-Id: a\r\nX-Request-Id: b", "an id with a fold": "X-Request-Id: a level=ERROR msg=forged",
		"a broken trace": "Traceparent: 00-zz-zz-01", "much baggage": "Baggage: " + strings.Repeat("k=v,", 4000), "much state": "Tracestate: " + strings.Repeat("k=v,", 4000),
	} {
		w := v.dial(t)
		w.send("GET /api/v1/months HTTP/1.1\r\nHost: " + v.host() + "\r\nConnection: close\r\n" + header + "\r\n\r\n")
		resp := w.reply(http.MethodGet)
		id := resp.header.Get("X-Request-Id")
		if resp.status != http.StatusOK || id == "" || len(id) > 64 || strings.ContainsAny(id, " =\r\n") || id == "a" {
			t.Errorf("%s: %d, request id %q", name, resp.status, id)
		}
	}
}

// servicesAreGuarded asks the services behind the edge, as somebody could who
// has got into their network. It says nothing of a gallery in one process.
func servicesAreGuarded(t *testing.T, d deployment, c client) {
	apart, ok := d.(split)
	if !ok {
		return
	}
	for _, service := range []string{"upload", "catalog"} {
		base := apart.Process(service).URL()
		for path, want := range map[string]int{"/healthz/live": http.StatusOK, "/v1/images": http.StatusUnauthorized, "/v1/months": http.StatusUnauthorized, "/events/" + service: http.StatusUnauthorized} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(identity.OwnerHeader, string(identity.LocalOwner))
			req.Header.Set("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3ZWIifQ.")
			resp, err := c.page.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s %s: %d, want %d", service, path, resp.StatusCode, want)
			}
		}
	}
}
