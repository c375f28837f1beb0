package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/api"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
)

func TestTheRoutesAreThoseDescribed(t *testing.T) {
	openapitest.Routes(t, newSite(t).server, api.OpenAPI)
}

func TestTheDescriptionIsServed(t *testing.T) {
	if got := serve(t).get("/api/v1/openapi.yaml").want(t, http.StatusOK).body; got != string(api.OpenAPI) {
		t.Fatalf("another file is served: %.100s", got)
	}
}

func TestListWalksTheTimelineNewestFirst(t *testing.T) {
	s := serve(t)
	var want []string
	for n := range 5 {
		want = append(want, s.put(n))
	}
	s.put(9, trashed)
	var got []string
	for cursor, turn := "", 0; turn < 4; turn++ {
		page := decode[httpapi.ImagePage](t, s.get("/api/v1/images?limit=2&cursor="+cursor).want(t, http.StatusOK))
		for _, image := range page.Images {
			got = append(got, image.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("ids %v, want %v", got, want)
	}
}

func TestListOfTheTrashAndOfAMonth(t *testing.T) {
	s := serve(t)
	s.put(0)
	april := s.put(40)
	gone := s.put(1, trashed)
	for query, want := range map[string]string{"trashed=true": gone, "month=2026-04": april} {
		page := decode[httpapi.ImagePage](t, s.get("/api/v1/images?"+query).want(t, http.StatusOK))
		if len(page.Images) != 1 || page.Images[0].ID != want {
			t.Errorf("%s: %+v, want only %s", query, page.Images, want)
		}
	}
}

func TestAnEmptyGalleryIsEmptyLists(t *testing.T) {
	s := serve(t)
	for path, want := range map[string]string{
		"/api/v1/images": `{"images":[],"next_cursor":""}`, "/api/v1/months": `{"months":[]}`, "/api/v1/changes": `{"changes":[],"cursor":"0"}`,
	} {
		if got := strings.TrimSpace(s.get(path).want(t, http.StatusOK).body); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestAnImageHasNothingInternal(t *testing.T) {
	s := serve(t)
	offset := 540
	id := s.put(0, func(c *catalogapi.Image) {
		c.TakenOffset, c.Place = &offset, &contract.Place{Latitude: 37.5, Longitude: 127}
		c.Camera = contract.Camera{Make: "Fujifilm", ISO: 200}
	})
	body := s.get("/api/v1/images/"+id).want(t, http.StatusOK).body
	for _, want := range []string{`"taken_offset_minutes":540`, `"make":"Fujifilm"`, `"url":"/media/` + id + `/w320"`, `"original_url":"/media/` + id + `/original"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	for _, secret := range []string{"originals/", "renditions/", `"owner"`, `"key"`} {
		if strings.Contains(body, secret) {
			t.Errorf("%s is in %s", secret, body)
		}
	}
}

func TestAFailedImageSaysWhy(t *testing.T) {
	s := serve(t)
	id := s.put(0, func(c *catalogapi.Image) {
		c.State, c.FailCode, c.FailDetail, c.Renditions = catalogapi.StateFailed, "image_corrupt", "The image is damaged.", nil
	})
	image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id).want(t, http.StatusOK))
	if image.State != "failed" || image.Problem == nil || image.Problem.Code != "image_corrupt" || image.Problem.Detail != "The image is damaged." {
		t.Fatalf("%+v, want failed with image_corrupt", image)
	}
}

func TestTrashRestoreAndPurge(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	if image := decode[httpapi.Image](t, s.do(http.MethodDelete, "/api/v1/images/"+id, nil).want(t, http.StatusOK)); image.TrashedAt == nil {
		t.Fatalf("%+v has no trashed_at", image)
	}
	if image := decode[httpapi.Image](t, s.post("/api/v1/images/"+id+"/restore").want(t, http.StatusOK)); image.TrashedAt != nil {
		t.Fatalf("%+v is still in the trash", image)
	}
	s.do(http.MethodDelete, "/api/v1/trash/"+id, nil).wantProblem(t, http.StatusConflict, "not_trashed")
	s.do(http.MethodDelete, "/api/v1/images/"+id, nil).want(t, http.StatusOK)
	s.do(http.MethodDelete, "/api/v1/trash/"+id, nil).want(t, http.StatusNoContent)
	s.get("/api/v1/images/"+id).wantProblem(t, http.StatusNotFound, "not_found")
}

func TestMonthsCountTheTimeline(t *testing.T) {
	s := serve(t)
	s.put(0)
	s.put(1)
	s.put(40)
	s.put(2, trashed)
	months := decode[catalogapi.MonthsResponse](t, s.get("/api/v1/months").want(t, http.StatusOK)).Months
	if fmt.Sprint(months) != "[{2026-05 2} {2026-04 1}]" {
		t.Fatalf("months %v", months)
	}
}

func TestUploadAnswersPerFile(t *testing.T) {
	s := serve(t)
	known := file{"known.png", picture(t, 1)}
	s.upload("/api/v1/images", known).want(t, http.StatusCreated)
	mixed := []file{{"a.png", picture(t, 2)}, {"notes.txt", []byte("hello")}, known, {"b.png", picture(t, 2)}}
	results := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", mixed...).want(t, http.StatusCreated)).Results
	if len(results) != 4 {
		t.Fatalf("results %+v, want four", results)
	}
	for i, want := range []string{"processing", "refused", "duplicate", "duplicate"} {
		if r := results[i]; r.Name != mixed[i].name || r.Status != want || (want == "processing") != (r.ID != "") || r.Stored != nil {
			t.Errorf("result %d: %+v, want %s of %s", i, r, want, mixed[i].name)
		}
	}
	if results[1].Problem == nil || results[1].Problem.Code != "unsupported_media_type" || results[3].DuplicateOf != results[0].ID {
		t.Errorf("results %+v", results)
	}
	image := decode[httpapi.Image](t, s.get("/api/v1/images/"+results[0].ID).want(t, http.StatusOK))
	if image.State != catalogapi.StateProcessing || image.Name != "a.png" {
		t.Errorf("read after the upload: %+v", image)
	}
}

func TestUploadStatuses(t *testing.T) {
	s := serve(t)
	known, text := file{"known.png", picture(t, 1)}, file{"notes.txt", []byte("hello")}
	id := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", known).want(t, http.StatusCreated)).Results[0].ID
	s.upload("/api/v1/images", text).want(t, http.StatusUnprocessableEntity)
	s.upload("/api/v1/images", known, text).want(t, http.StatusOK)
	s.do(http.MethodDelete, "/api/v1/images/"+id, nil).want(t, http.StatusOK)
	result := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", known).want(t, http.StatusOK)).Results[0]
	if result.DuplicateOf != id || !result.Trashed {
		t.Fatalf("%+v, want a duplicate of the trashed %s", result, id)
	}
}

// What was stored is answered as stored even when the catalog is away: the
// event tells it later.
func TestUploadIsAcknowledgedWithoutTheCatalog(t *testing.T) {
	s := serve(t)
	s.catalog.FailWith(fault.New(fault.Unavailable, "database_unavailable", "The database is away."))
	result := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", file{"a.png", picture(t, 1)}).want(t, http.StatusCreated)).Results[0]
	if result.Status != uploadapi.StatusProcessing || result.ID == "" {
		t.Fatalf("%+v, want an acknowledged upload", result)
	}
}

// poll asks the handler itself, so that the waiting takes fake time.
func poll(s *site, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/api/v1/changes?"+query, nil)
	r.Host = "127.0.0.1:0"
	w := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(w, r)
	return w
}

func TestChangesWaitForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		start := time.Now()
		go func() {
			time.Sleep(10 * time.Second) // fake
			s.put(0)
		}()
		w := poll(s, "cursor=0&wait_ms=25000")
		if took := time.Since(start); w.Code != http.StatusOK || took != 10*time.Second || !strings.Contains(w.Body.String(), `"kind":"added"`) {
			t.Fatalf("after %v: %d %s", took, w.Code, w.Body)
		}
	})
}

func TestChangesEndAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := poll(newSite(t), "cursor=0&wait_ms=25000")
		if took := time.Since(start); took != 25*time.Second || strings.TrimSpace(w.Body.String()) != `{"changes":[],"cursor":"0"}` {
			t.Fatalf("after %v: %d %s", took, w.Code, w.Body)
		}
	})
}

func TestChangesEndWhenTheServiceDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		start := time.Now()
		time.AfterFunc(3*time.Second, func() { close(s.draining) })
		w := poll(s, "cursor=0&wait_ms=25000")
		if took := time.Since(start); took != 3*time.Second || w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"changes":[],"cursor":"0"}` {
			t.Fatalf("after %v: %d %s", took, w.Code, w.Body)
		}
	})
}

func TestChangesEndWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/changes?cursor=0&wait_ms=25000", nil)
		r.Host = "localhost:0"
		start := time.Now()
		time.AfterFunc(time.Second, cancel)
		w := httptest.NewRecorder()
		s.server.Handler().ServeHTTP(w, r)
		if took := time.Since(start); took != time.Second || w.Code != problem.StatusClientClosed {
			t.Fatalf("after %v: %d %s", took, w.Code, w.Body)
		}
	})
}

func TestP01_Limits(t *testing.T) {
	s := serve(t)
	for _, limit := range []string{"1", "200"} {
		s.get("/api/v1/images?limit="+limit).want(t, http.StatusOK)
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=201", "limit=999999999", "limit=1e3", "limit=abc", "limit=%00", "limit=%20", "limit=", "limit=1&limit=2", "limit=%2B1", "limit=01"} {
		d := s.get("/api/v1/images?"+query).wantProblem(t, http.StatusBadRequest, "validation_failed")
		if len(d.Errors) != 1 || d.Errors[0].Parameter != "limit" {
			t.Errorf("%s: errors %+v, want the parameter limit", query, d.Errors)
		}
	}
	s.get("/api/v1/changes?wait_ms=25000").want(t, http.StatusOK) // no cursor, no wait
	s.get("/api/v1/changes?wait_ms=25001").wantProblem(t, http.StatusBadRequest, "validation_failed")
	for _, month := range []string{"2026", "2026-13", "2026-1", "2026-05-01", "x", "2026-05%00"} {
		s.get("/api/v1/images?month="+month).wantProblem(t, http.StatusBadRequest, "validation_failed")
	}
	s.get("/api/v1/images?trashed=1").wantProblem(t, http.StatusBadRequest, "validation_failed")
}

func TestP05_ManyParameters(t *testing.T) {
	s := serve(t)
	s.put(0)
	many := strings.Repeat("a=1&", 2000) + "trashed=true"
	for _, path := range []string{"/api/v1/images", "/api/v1/changes", "/api/v1/months"} {
		s.get(path+"?"+many).wantProblem(t, http.StatusBadRequest, "too_many_parameters")
	}
	s.get("/?"+many).wantErrorPage(t, http.StatusBadRequest)
	s.get("/api/v1/images?sort=name").wantProblem(t, http.StatusBadRequest, "unknown_parameter")
	s.get("/api/v1/images?a;b=1").wantProblem(t, http.StatusBadRequest, "query_malformed")
}

func TestP10_Methods(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for path, allow := range map[string]string{
		"/api/v1/images":                    "GET, HEAD, POST",
		"/api/v1/images/" + id:              "GET, HEAD, DELETE",
		"/api/v1/images/" + id + "/restore": "POST",
		"/api/v1/trash/" + id:               "DELETE",
		"/media/" + id + "/original":        "GET, HEAD",
	} {
		for _, method := range []string{"PATCH", "TRACE", "OPTIONS", "get", "BREW"} {
			a := s.do(method, path, nil)
			a.wantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
			if got := a.Header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allow)
			}
		}
	}
	page := s.do(http.MethodPut, "/upload", nil)
	page.wantErrorPage(t, http.StatusMethodNotAllowed)
	if got := page.Header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("PUT /upload: Allow %q", got)
	}
	s.get("/images/"+id+"/trash").wantErrorPage(t, http.StatusMethodNotAllowed)
}

func TestP10_NoMethodOverride(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	s.get("/api/v1/images/"+id, "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE").want(t, http.StatusOK)
	s.get("/api/v1/images/"+id+"?_method=DELETE").wantProblem(t, http.StatusBadRequest, "unknown_parameter")
	if image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id)); image.TrashedAt != nil {
		t.Fatal("the method was overridden")
	}
}

func TestP10_HeadIsGetWithoutABody(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for _, path := range []string{"/", "/trash", "/upload", "/images/" + id, "/api/v1/images", "/api/v1/images/" + id, "/media/" + id + "/w320", "/healthz/live", "/favicon.ico"} {
		get, head := s.get(path), s.do(http.MethodHead, path, nil).want(t, http.StatusOK)
		if head.body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || head.ContentLength != get.ContentLength {
			t.Errorf("HEAD %s: %d bytes of %q, announced %d; GET: %q, %d", path, len(head.body), head.Header.Get("Content-Type"), head.ContentLength, get.Header.Get("Content-Type"), get.ContentLength)
		}
	}
}

func TestP11_Paths(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	bad := []string{"a%00b", "..%2f..%2fetc%2fpasswd", "1", strings.ToLower(id), strings.Repeat("0", 10000), id + "%20", id[:25], "8" + id[1:]}
	for _, part := range bad {
		s.get("/api/v1/images/"+part).wantProblem(t, http.StatusNotFound, "not_found")
		s.get("/media/"+part+"/original").wantProblem(t, http.StatusNotFound, "not_found")
		s.get("/images/"+part).wantErrorPage(t, http.StatusNotFound)
		s.post("/images/"+part+"/trash").wantErrorPage(t, http.StatusNotFound)
	}
	for _, name := range []string{"W320", "..%2foriginal", "w320.jpg", "a%00", strings.Repeat("a", 17), "original%2f", "w9"} {
		s.get("/media/"+id+"/"+name).wantProblem(t, http.StatusNotFound, "not_found")
	}
	for _, path := range []string{"//evil.example/%2e%2e", "/x/../../y", "/trash/..", "/%2e%2e/x", "/trash/", "/.git/config", "/.env", "/static/../web.go"} {
		s.get(path).wantErrorPage(t, http.StatusNotFound)
	}
	for _, opened := range s.media.Opened() {
		t.Errorf("the store was asked for %+v", opened)
	}
}

func TestP12_EveryFaultIsMappedAndSilent(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	secret := errors.New("Error 1045 (28000): Access denied for user 'sajin'@'10.0.0.7'")
	for _, kind := range fault.Kinds() {
		s.catalog.FailWith(fault.As(kind, "gormcatalog.Get", secret))
		for _, path := range []string{"/api/v1/images", "/api/v1/images/" + id, "/api/v1/months", "/api/v1/changes", "/media/" + id + "/original", "/", "/trash", "/images/" + id} {
			a := s.get(path).want(t, problem.Status(kind))
			if strings.Contains(a.body, "1045") || strings.Contains(a.body, "gormcatalog") {
				t.Errorf("%v at %s shows its cause: %s", kind, path, a.body)
			}
			if kind.Retryable() && kind != fault.Canceled && a.Header.Get("Retry-After") == "" {
				t.Errorf("%v at %s has no Retry-After", kind, path)
			}
		}
	}
	s.catalog.FailWith(secret) // that nobody classified
	d := s.get("/api/v1/images").wantProblem(t, http.StatusInternalServerError, "internal")
	if strings.Contains(d.Detail, "1045") {
		t.Errorf("the detail shows the cause: %s", d.Detail)
	}
	s.get("/").wantErrorPage(t, http.StatusInternalServerError)
}
