package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
)

func parse(raw string, allowed ...string) (httpx.Query, error) {
	return httpx.ParseQuery(&http.Request{URL: &url.URL{RawQuery: raw}}, allowed...)
}

// complaint is the code and the parameter of a refusal, as "code parameter".
func complaint(err error) string {
	if err == nil {
		return ""
	}
	public := fault.Public(err)
	if public.Kind != fault.Invalid {
		return "kind " + public.Kind.String()
	}
	if len(public.Fields) == 0 {
		return public.Code
	}
	return public.Code + " " + public.Fields[0].Parameter
}

func TestParseQuery(t *testing.T) {
	cases := map[string]string{
		"":                    "",
		"limit=1":             "",
		"limit=1&cursor=x":    "",
		"limit=":              "",
		"limit":               "",
		"limit=1&limit=2":     "validation_failed limit",
		"limit=1&%6cimit=2":   "validation_failed limit",
		"Limit=1":             "unknown_parameter Limit",
		"a=1&z=2":             "unknown_parameter a",
		"z=1&a=2":             "unknown_parameter a", // the same whatever the order
		"=1":                  "unknown_parameter ",
		"limit=1;cursor=2":    "query_malformed",
		"limit=%zz":           "query_malformed",
		"limit=%":             "query_malformed",
		"id%3D1%20OR%201%3D1": "unknown_parameter id=1 OR 1=1",
	}
	for raw, want := range cases {
		if _, err := parse(raw, "limit", "cursor"); complaint(err) != want {
			t.Errorf("%q: %q, want %q", raw, complaint(err), want)
		}
	}
}

// A query that is too long or malformed must not read as an empty one (P05).
func TestQueryLimits(t *testing.T) {
	names := make([]string, httpx.MaxQueryParameters+1)
	for i := range names {
		names[i] = "p" + strings.Repeat("x", i)
	}
	for n, ok := range map[int]bool{
		httpx.MaxQueryParameters - 1: true, httpx.MaxQueryParameters: true, httpx.MaxQueryParameters + 1: false,
	} {
		q, err := parse(strings.Join(names[:n], "=1&")+"=1", names...)
		if ok != (err == nil) || ok != q.Has(names[n-1]) {
			t.Errorf("%d parameters: %v", n, err)
		}
	}
	for n, ok := range map[int]bool{httpx.MaxQueryBytes - 1: true, httpx.MaxQueryBytes: true, httpx.MaxQueryBytes + 1: false} {
		q, err := parse("q="+strings.Repeat("a", n-2), "q")
		if ok != (err == nil) || ok != q.Has("q") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := parse(strings.Repeat("limit=1&", 20_000), "limit"); complaint(err) != "too_many_parameters" {
		t.Errorf("20000 parameters: %v", err)
	}
}

// P01.
func TestInt(t *testing.T) {
	for raw, want := range map[string]int{"": 100, "limit=1": 1, "limit=2": 2, "limit=199": 199, "limit=200": 200, "limit=%31": 1} {
		q, err := parse(raw, "limit")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := q.Int("limit", 100, 1, 200); got != want || err != nil {
			t.Errorf("%q: %d, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"0", "-1", "201", "999999999", "99999999999999999999", "1e3", "abc", "%00", "", "%20", "%201", "1%20", "+1", "%2B1",
		"01", "-0", "0x1", "1_0", "1.0", "１",
	} {
		q, err := parse("limit="+raw, "limit")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := q.Int("limit", 100, 1, 200); complaint(err) != "validation_failed limit" {
			t.Errorf("%q: %d, %v", raw, got, err)
		}
	}
}

func TestBool(t *testing.T) {
	for raw, want := range map[string]bool{"": false, "trashed=true": true, "trashed=false": false} {
		q, err := parse(raw, "trashed")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := q.Bool("trashed"); got != want || err != nil {
			t.Errorf("%q: %v, %v", raw, got, err)
		}
	}
	for _, value := range []string{"", "1", "TRUE", "yes", "true%20"} {
		q, err := parse("trashed="+value, "trashed")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Bool("trashed"); complaint(err) != "validation_failed trashed" {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=1", "limit=1&limit=2", "a;b", "%zz", "limit=%00", "cursor=x&limit=", strings.Repeat("&", 40), "limit=9999999999999999999999"} {
		f.Add(seed)
	}
	allowed := []string{"limit", "cursor"}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parse(raw, allowed...)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q is %v", raw, err)
			}
			return
		}
		// What was accepted is exactly what net/url understands, once each.
		values, err := url.ParseQuery(raw)
		if err != nil || len(raw) > httpx.MaxQueryBytes {
			t.Fatalf("%q was accepted (%v)", raw, err)
		}
		for name, all := range values {
			if !slices.Contains(allowed, name) || len(all) != 1 || q.String(name) != all[0] {
				t.Errorf("%q was accepted", raw)
			}
		}
		if n, err := q.Int("limit", 100, 1, 200); err == nil && (n < 1 || n > 200) {
			t.Errorf("%q gave limit %d", raw, n)
		}
	})
}

func TestPageQueryLeavesOutWhatOthersAppend(t *testing.T) {
	q, err := httpx.ParsePageQuery(httptest.NewRequest("GET", "/?month=2026-11&fbclid=x&fbclid=y", nil), "month")
	if err != nil || q.String("month") != "2026-11" || q.Has("fbclid") {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := httpx.ParsePageQuery(httptest.NewRequest("GET", "/?month=a&month=b", nil), "month"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a known parameter given twice: %v", err)
	}
}
