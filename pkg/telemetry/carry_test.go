package telemetry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// S10: what a caller says about its trace is taken where it is well formed and
// short, and passed on in no other form.
func TestS10_WhatCallersSayOfTheirTraceIsBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		parent, state string
		wantParent    string
		wantState     string
	}{
		"as it should be":           {parent, "a=1", parent, "a=1"},
		"a state of 512 bytes":      {parent, "a=" + strings.Repeat("x", 251) + ",b=" + strings.Repeat("y", 256), parent, "a=" + strings.Repeat("x", 251) + ",b=" + strings.Repeat("y", 256)},
		"a state of 513 bytes":      {parent, "ab=" + strings.Repeat("x", 251) + ",b=" + strings.Repeat("y", 256), parent, ""},
		"none":                      {"", "a=1", "", ""},
		"a megabyte":                {parent + strings.Repeat("0", 1<<20), "", "", ""},
		"a megabyte of a newer one": {"01" + parent[2:] + "-" + strings.Repeat("0", 1<<20), "", "", ""},
		"a newline":                 {parent + "\n", "", "", ""},
		"zeros":                     {"00-00000000000000000000000000000000-0000000000000000-01", "", "", ""},
		"capitals":                  {strings.ToUpper(parent), "", "", ""},
		"words":                     {"'; DROP TABLE traces", "", "", ""},
		"a broken state":            {parent, "\x00=;", parent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := http.Header{"Traceparent": {tt.parent}, "Tracestate": {tt.state}, "Baggage": {"user=alice"}}
			ctx := telemetry.Extract(t.Context(), in)
			out := http.Header{"Traceparent": {"stale"}, "Tracestate": {"stale"}}
			telemetry.Inject(ctx, out)
			if got := out.Get("Traceparent"); got != tt.wantParent || telemetry.TraceParent(ctx) != got {
				t.Errorf("traceparent %.80q, want %q", got, tt.wantParent)
			}
			if got := out.Get("Tracestate"); got != tt.wantState {
				t.Errorf("tracestate %.80q, want %.80q", got, tt.wantState)
			}
			if got := out.Get("Baggage"); got != "" {
				t.Errorf("baggage %q was passed on", got)
			}
		})
	}
}

func TestATraceIsCarriedOnWhereNothingIsRecorded(t *testing.T) {
	ctx, work := telemetry.Begin(telemetry.Follow(t.Context(), parent), telemetry.Internal, "work")
	defer work.End(nil)
	if got := telemetry.TraceParent(ctx); got != parent {
		t.Errorf("the trace goes on as %q", got)
	}
	if got := telemetry.TraceParent(context.Background()); got != "" {
		t.Errorf("no trace is called %q", got)
	}
}
