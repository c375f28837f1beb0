package catalogclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/catalog/catalogclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "01KANH2Z6W8F7T3S5R0V4X1Y9Q"

func client(handler http.HandlerFunc) *catalogclient.Client {
	return catalogclient.New(kitx.Target{
		Base: &url.URL{Scheme: "http", Host: "catalog.invalid"}, HTTP: kitx.NoRedirects(httpx.InProcess{Handler: handler}),
	})
}

func acting(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return problem.WithRequestID(identity.WithOwner(ctx, "somebody"), "request-7")
}

func second[T any](_ T, err error) error { return err }

// calls are all of a client's calls.
func calls(ctx context.Context, c *catalogclient.Client) map[string]error {
	return map[string]error{
		"GET /v1/images":                     second(c.List(ctx, catalogapi.ListRequest{})),
		"GET /v1/images/" + id:               second(c.Get(ctx, id)),
		"DELETE /v1/images/" + id:            second(c.Trash(ctx, id)),
		"POST /v1/images/" + id + "/restore": second(c.Restore(ctx, id)),
		"POST /v1/images/" + id + "/purge":   c.Purge(ctx, id),
		"POST /v1/known":                     second(c.Known(ctx, catalogapi.KnownRequest{})),
		"POST /v1/expected":                  second(c.Expect(ctx, catalogapi.ExpectRequest{})),
		"GET /v1/months":                     second(c.Months(ctx)),
		"GET /v1/changes":                    second(c.Changes(ctx, catalogapi.ChangesRequest{})),
	}
}

// TestEveryCallSaysWhoAndIsTriedAgain: a first answer that the service is
// overloaded costs nobody anything.
func TestEveryCallSaysWhoAndIsTriedAgain(t *testing.T) {
	seen := map[string]int{}
	c := client(func(w http.ResponseWriter, r *http.Request) {
		call := r.Method + " " + r.URL.Path
		if seen[call]++; seen[call] == 1 {
			problem.Write(w, r, fault.New(fault.Unavailable, "database_busy", "Later."))
			return
		}
		if r.Header.Get(identity.OwnerHeader) != "somebody" || r.Header.Get(httpx.RequestIDHeader) != "request-7" {
			t.Errorf("%s does not say who asks: %v", call, r.Header)
		}
		_, _ = io.WriteString(w, "{}")
	})
	for call, err := range calls(acting(t), c) {
		if err != nil || seen[call] != 2 {
			t.Errorf("%s was called %d times: %v; want 2", call, seen[call], err)
		}
	}
	if len(seen) != 9 {
		t.Errorf("the calls are %v", seen)
	}
}

func TestAnAnswerIsNotAskedForAgain(t *testing.T) {
	for name, want := range map[string]*fault.Error{
		"not found": fault.New(fault.NotFound, "image_not_found", "There is no such image."),
		"conflict":  fault.New(fault.Conflict, "image_not_trashed", "Not in the trash."),
		"invalid":   fault.Parameter("limit", "Wrong."),
		"gone":      fault.New(fault.Gone, "cursor_expired", "Too old."),
	} {
		asked := 0
		c := client(func(w http.ResponseWriter, r *http.Request) {
			asked++
			problem.Write(w, r, want)
		})
		_, err := c.Get(acting(t), id)
		if got := fault.Public(err); !errors.Is(err, want) || got.Detail != want.Detail || len(got.Fields) != len(want.Fields) || asked != 1 {
			t.Errorf("%s: asked %d times, got %v", name, asked, err)
		}
	}
}

func TestOddAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		kind    fault.Kind
	}{
		"html":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>proxy</h1>", http.StatusBadGateway) }, fault.Unavailable},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, fault.Unavailable},
		"empty":   {func(http.ResponseWriter, *http.Request) {}, fault.Unavailable},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":`); panic("x") }, fault.Unavailable},
		"defect":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, fault.Unavailable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://evil.invalid/", http.StatusFound)
		}, fault.Unavailable},
	} {
		got, err := client(tt.handler).Get(acting(t), id)
		if err == nil || fault.KindOf(err) != tt.kind || got.ID != "" {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, tt.kind)
		}
	}
}

func TestOnlyIDsReachAPath(t *testing.T) {
	c := client(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("called %s %s", r.Method, r.URL) })
	for _, bad := range []string{"", "..", "../months", id + "/purge", "?x", strings.ToLower(id), "%2e%2e"} {
		for _, err := range []error{
			second(c.Get(acting(t), bad)), second(c.Trash(acting(t), bad)), second(c.Restore(acting(t), bad)), c.Purge(acting(t), bad),
		} {
			if !errors.Is(err, catalogclient.ErrNotFound) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
}

// TestExpectFitsTheServicesLimit: names that grow sixfold as JSON, and keys of
// their full length.
func TestExpectFitsTheServicesLimit(t *testing.T) {
	const limit = 1 << 20
	var answered []string
	c := client(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req catalogapi.ExpectRequest
		if err := errors.Join(err, json.Unmarshal(body, &req)); err != nil || len(body) > limit {
			t.Errorf("a request of %d bytes: %v", len(body), err)
		}
		var resp catalogapi.ExpectResponse
		for _, e := range req.Images {
			resp.Results = append(resp.Results, catalogapi.ExpectResult{ID: e.ID})
			answered = append(answered, e.ID)
		}
		_ = json.NewEncoder(w).Encode(resp)
	})
	var req catalogapi.ExpectRequest
	for i := range catalogapi.MaxExpect {
		req.Images = append(req.Images, catalogapi.Expected{
			ID: fmt.Sprintf("%026d", i), Name: strings.Repeat("<", 255), Key: strings.Repeat("k", 1024), ContentType: strings.Repeat("c", 127),
			SHA256: strings.Repeat("0", 64), Size: 1 << 40, CreatedAt: time.Now(),
		})
	}
	got, err := c.Expect(acting(t), req)
	if err != nil || len(got.Results) != len(req.Images) {
		t.Fatalf("%d results, %v", len(got.Results), err)
	}
	for i := range req.Images {
		if got.Results[i].ID != req.Images[i].ID || answered[i] != req.Images[i].ID {
			t.Fatalf("result %d is for %s", i, got.Results[i].ID)
		}
	}
}

// TestAServiceThatIsDownIsLeftAlone: after ten failures in a row nobody waits
// for it any more.
func TestAServiceThatIsDownIsLeftAlone(t *testing.T) {
	asked := 0
	c := client(func(w http.ResponseWriter, r *http.Request) {
		asked++
		problem.Write(w, r, fault.New(fault.Unavailable, "database_unavailable", "Later."))
	})
	for range 10 {
		if _, err := c.Months(acting(t)); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Months = %v", err)
		}
	}
	if asked != 10 {
		t.Errorf("the service was asked %d times, want 10", asked)
	}
}
