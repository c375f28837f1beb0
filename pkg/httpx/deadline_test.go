package httpx_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// heard is when a service's context ends, for a caller who sent these headers;
// 0 for never.
func heard(values []string) time.Duration {
	var left time.Duration
	h := httpx.CallerDeadline(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if ends, limited := r.Context().Deadline(); limited {
			left = max(time.Until(ends), 1)
		}
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header[httpx.TimeoutHeader] = values
	h.ServeHTTP(httptest.NewRecorder(), r)
	return left
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			values []string
			want   time.Duration
		}{
			{nil, 0},
			{[]string{"1500"}, 1500 * time.Millisecond},
			{[]string{"0"}, 1},
			{[]string{"3600000"}, time.Hour},
			{[]string{"3600001"}, time.Hour},
			{[]string{"9999999"}, time.Hour},
			{[]string{"10000000"}, 0},
			{[]string{"-1"}, 0},
			{[]string{"+1"}, 0},
			{[]string{"1.5"}, 0},
			{[]string{"1s"}, 0},
			{[]string{""}, 0},
			{[]string{"1", "2"}, 0},
			{[]string{"99999999999999999999"}, 0},
		} {
			if got := heard(tt.values); got != tt.want {
				t.Errorf("%v: %v, want %v", tt.values, got, tt.want)
			}
		}
	})
}

func TestADeadlineIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, left := range []time.Duration{1500 * time.Millisecond, time.Hour, 2 * time.Hour} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			header := http.Header{}
			httpx.SetTimeout(ctx, header)
			cancel()
			if got := heard(header.Values(httpx.TimeoutHeader)); got != min(left, httpx.MaxTimeout) {
				t.Errorf("of %v is left %v", left, got)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.Sleep(2 * time.Second)
		header := http.Header{}
		httpx.SetTimeout(ctx, header)
		if got := header.Get(httpx.TimeoutHeader); got != "0" {
			t.Errorf("a deadline that has passed is %q", got)
		}
		header = http.Header{}
		if httpx.SetTimeout(context.Background(), header); len(header) > 0 {
			t.Errorf("no deadline is %v", header)
		}
	})
}
