package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// seen is a renderer that keeps the views it was given.
type seen struct {
	httpapi.Renderer
	views []any
}

func (r *seen) Gallery(w io.Writer, v pages.GalleryView) error {
	r.views = append(r.views, v)
	return r.Renderer.Gallery(w, v)
}

func (r *seen) Trash(w io.Writer, v pages.TrashView) error {
	r.views = append(r.views, v)
	return r.Renderer.Trash(w, v)
}

func (r *seen) Image(w io.Writer, v pages.ImageView) error {
	r.views = append(r.views, v)
	return r.Renderer.Image(w, v)
}

func (r *seen) Upload(w io.Writer, v pages.UploadView) error {
	r.views = append(r.views, v)
	return r.Renderer.Upload(w, v)
}

func (r *seen) Error(w io.Writer, v pages.ErrorView) error {
	r.views = append(r.views, v)
	return r.Renderer.Error(w, v)
}

func (r *seen) Fragment(w io.Writer, f pages.Frame, g pages.Grid) error {
	r.views = append(r.views, g)
	return r.Renderer.Fragment(w, f, g)
}

// watch is a site whose views are kept.
func watch(t *testing.T) (*site, *seen) {
	t.Helper()
	var r *seen
	s := serve(t, func(s *site) {
		r = &seen{Renderer: s.options.Pages}
		s.options.Pages = r
	})
	return s, r
}

// last is the view of the last page.
func last[T any](t *testing.T, r *seen) T {
	t.Helper()
	if len(r.views) == 0 {
		t.Fatal("no page was rendered")
	}
	view, ok := r.views[len(r.views)-1].(T)
	if !ok {
		t.Fatalf("the last page was of %T", r.views[len(r.views)-1])
	}
	return view
}

func idsOf(figures []pages.Figure) []string {
	out := make([]string, len(figures))
	for i, f := range figures {
		out[i] = f.ID
	}
	return out
}

func TestGalleryPage(t *testing.T) {
	s, r := watch(t)
	newer, older := s.put(0), s.put(40)
	s.put(1, trashed)
	a := s.get("/", "Accept-Language: ko").want(t, http.StatusOK)
	view := last[pages.GalleryView](t, r)
	if fmt.Sprint(idsOf(view.Figures)) != fmt.Sprint([]string{newer, older}) || view.Total != 2 || len(view.Months) != 2 || view.ChangesCursor != "3" {
		t.Errorf("figures %v, total %d, months %v, cursor %q", idsOf(view.Figures), view.Total, view.Months, view.ChangesCursor)
	}
	if view.Language != "ko" || view.Path != "/" || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("frame %+v, type %q", view.Frame, a.Header.Get("Content-Type"))
	}
	f := view.Figures[0]
	if f.OriginalURL != "/media/"+newer+"/original" || len(f.Renditions) != 1 || f.Renditions[0].URL != "/media/"+newer+"/w320" || f.Renditions[0].Width != 320 {
		t.Errorf("figure %+v", f)
	}
}

func TestGalleryWithoutScriptIsPaged(t *testing.T) {
	s, r := watch(t)
	for n := range 103 {
		s.put(n % 20) // all in May
	}
	s.get("/?month=2026-05").want(t, http.StatusOK)
	first := last[pages.GalleryView](t, r)
	if len(first.Figures) != catalogapi.DefaultLimit || first.NextCursor == "" || first.Month != "2026-05" {
		t.Fatalf("%d figures, cursor %q, month %q", len(first.Figures), first.NextCursor, first.Month)
	}
	s.get("/?month=2026-05&cursor="+url.QueryEscape(first.NextCursor)).want(t, http.StatusOK)
	if second := last[pages.GalleryView](t, r); len(second.Figures) != 3 || second.NextCursor != "" {
		t.Fatalf("then %d figures, cursor %q", len(second.Figures), second.NextCursor)
	}
	s.get("/?cursor=garbage").wantErrorPage(t, http.StatusBadRequest)
	s.get("/?month=may").wantErrorPage(t, http.StatusBadRequest)
}

// An evening in Seoul is shown on its own day, though it is another in UTC.
func TestFiguresHaveTheClockOfTheCapture(t *testing.T) {
	s, r := watch(t)
	offset := 540
	s.put(0, func(c *catalogapi.Image) { c.TakenOffset = &offset })
	s.put(1)
	s.get("/").want(t, http.StatusOK)
	figures := last[pages.GalleryView](t, r).Figures
	if got := figures[0].TakenAt.Format("15:04 -07:00"); got != "21:00 +09:00" {
		t.Errorf("with an offset %s", got)
	}
	if got := figures[1].TakenAt.Format("15:04 -07:00"); got != "12:00 +00:00" {
		t.Errorf("without %s", got)
	}
}

func TestImagePage(t *testing.T) {
	s, r := watch(t)
	offset := -300
	newest := s.put(0)
	id := s.put(1, func(c *catalogapi.Image) {
		c.Camera, c.Place, c.TakenOffset = contract.Camera{Make: "Leica", ExposureTime: "1/250"}, &contract.Place{Latitude: 1, Longitude: -2}, &offset
	})
	oldest := s.put(2)
	s.get("/images/"+id).want(t, http.StatusOK)
	view := last[pages.ImageView](t, r)
	if view.PreviousID != newest || view.NextID != oldest || view.Title != "IMG_0001.jpg" {
		t.Errorf("between %s and %s, titled %q", view.PreviousID, view.NextID, view.Title)
	}
	if i := view.Info; i.Make != "Leica" || i.Exposure != "1/250" || !i.HasPlace || i.Longitude != -2 || !i.HasOffset || i.SHA256 != sum {
		t.Errorf("info %+v", i)
	}
	s.get("/images/"+newest).want(t, http.StatusOK)
	if view := last[pages.ImageView](t, r); view.PreviousID != "" || view.NextID != id || view.Info.HasPlace || view.Info.HasOffset {
		t.Errorf("the first: %+v", view)
	}
}

func TestTrashPage(t *testing.T) {
	s, r := watch(t)
	s.put(0)
	gone := s.put(1, trashed)
	s.get("/trash").want(t, http.StatusOK)
	view := last[pages.TrashView](t, r)
	if fmt.Sprint(idsOf(view.Figures)) != "["+gone+"]" || view.KeepDays != 30 || !view.Trash || view.Figures[0].TrashedAt == nil {
		t.Fatalf("%+v", view)
	}
}

func TestNoticesAreOurOwn(t *testing.T) {
	s, r := watch(t)
	id := s.put(0)
	for query, want := range map[string][2]string{
		"notice=trashed&notice_id=" + id:      {"trashed", id},
		"notice=trashed&notice_id=%22%3E":     {"trashed", ""},
		"notice=you+have+won&notice_id=" + id: {"", ""},
	} {
		s.get("/?"+query).want(t, http.StatusOK)
		if view := last[pages.GalleryView](t, r); view.Notice != want[0] || view.NoticeID != want[1] {
			t.Errorf("%s: %q of %q", query, view.Notice, view.NoticeID)
		}
	}
}

func TestFragments(t *testing.T) {
	s, r := watch(t)
	var ids []string
	for n := range 103 {
		ids = append(ids, s.put(n))
	}
	gone := s.put(200, trashed)
	a := s.get("/fragments/images?after=2026-06-01").want(t, http.StatusOK)
	next := a.Header.Get("Sajin-Next-Cursor")
	if grid := last[pages.Grid](t, r); len(grid.Figures) != 100 || next == "" || grid.After != "2026-06-01" || strings.Contains(a.body, "<html") {
		t.Fatalf("%d figures, next %q, after %q", len(grid.Figures), next, grid.After)
	}
	a = s.get("/fragments/images?cursor="+next).want(t, http.StatusOK)
	if grid := last[pages.Grid](t, r); len(grid.Figures) != 3 || a.Header.Get("Sajin-Next-Cursor") != "" {
		t.Fatalf("then %d figures, next %q", len(grid.Figures), a.Header.Get("Sajin-Next-Cursor"))
	}
	s.get("/fragments/images?trashed=true").want(t, http.StatusOK)
	if grid := last[pages.Grid](t, r); fmt.Sprint(idsOf(grid.Figures)) != "["+gone+"]" || !grid.Trash {
		t.Fatalf("the trash: %+v", grid)
	}
	// By ids: in the timeline's order, once each, without what is not there.
	missing := "01KAJ8Q4Y2M3N5P7R9T1V3X5Z7"
	s.get("/fragments/images?ids="+strings.Join([]string{ids[7], gone, ids[2], missing, ids[7]}, ",")).want(t, http.StatusOK)
	if grid := last[pages.Grid](t, r); fmt.Sprint(idsOf(grid.Figures)) != fmt.Sprint([]string{ids[2], ids[7]}) {
		t.Fatalf("by ids: %v", idsOf(grid.Figures))
	}
}

func TestFragmentLimits(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat(id+",", n), ",") }
	s.get("/fragments/images?ids="+list(99)).want(t, http.StatusOK)
	s.get("/fragments/images?ids="+list(100)).want(t, http.StatusOK)
	s.get("/fragments/images?ids="+list(101)).wantErrorPage(t, http.StatusBadRequest)
	for _, query := range []string{"ids=", "ids=" + id + ",", "ids=1", "ids=" + strings.ToLower(id), "after=2026-6-1", "after=x", "trashed=yes", "month=1", "cursor=x"} {
		s.get("/fragments/images?"+query).wantErrorPage(t, http.StatusBadRequest)
	}
}

func TestUploadPages(t *testing.T) {
	for _, path := range []string{"/upload", "/imageapp/upload_image/"} {
		s, r := watch(t)
		for n := range 61 {
			s.put(n)
		}
		s.get(path).want(t, http.StatusOK)
		view := last[pages.UploadView](t, r)
		if len(view.Recent) != 60 || view.Action != path || view.MaxFiles != 1000 || view.MaxBytes != 256<<20 {
			t.Fatalf("%s: %d recent, action %q, %d files of %d bytes", path, len(view.Recent), view.Action, view.MaxFiles, view.MaxBytes)
		}
		s.upload(path, file{"new.png", picture(t, 1)}, file{"notes.txt", []byte("x")}, file{"new.png", picture(t, 1)}).want(t, http.StatusOK)
		view = last[pages.UploadView](t, r)
		if len(view.Results) != 3 || len(view.Recent) != 60 || view.Recent[0].Name != "new.png" {
			t.Fatalf("%s: %+v, newest %q", path, view.Results, view.Recent[0].Name)
		}
		for i, want := range []string{"processing", "refused", "duplicate"} {
			if got := view.Results[i]; got.Status != want || (got.Failure != nil) != (want == "refused") {
				t.Errorf("%s, file %d: %+v, want %s", path, i, got, want)
			}
		}
		s.upload(path, file{"known.png", picture(t, 1)}).want(t, http.StatusOK)
		s.upload(path, file{"notes.txt", []byte("x")}).want(t, http.StatusUnprocessableEntity)
	}
}

func TestUploadPageSaysWhyTheWholeWasRefused(t *testing.T) {
	s, r := watch(t)
	s.postForm("/upload", url.Values{"a": {"b"}}).want(t, http.StatusUnsupportedMediaType)
	if view := last[pages.UploadView](t, r); view.Failure == nil || view.Failure.Code != "unsupported_media_type" || view.Failure.RequestID == "" {
		t.Fatalf("failure %+v", view.Failure)
	}
}

// The files are safe; that the newest cannot be listed is no reason to say
// otherwise.
func TestUploadPageWithoutTheCatalog(t *testing.T) {
	s, r := watch(t)
	s.catalog.FailWith(fault.New(fault.Unavailable, "database_unavailable", "The database is away."))
	s.upload("/upload", file{"a.png", picture(t, 1)}).want(t, http.StatusOK)
	if view := last[pages.UploadView](t, r); len(view.Results) != 1 || view.Results[0].Status != "processing" {
		t.Fatalf("results %+v", view.Results)
	}
}

func TestFormsLeadBackToWhereTheyWere(t *testing.T) {
	s := serve(t)
	for _, tt := range []struct{ verb, next, referer, want string }{
		{"trash", "", "", "/?notice=trashed&notice_id=ID"},
		{"trash", "", "/?month=2026-05", "/?month=2026-05&notice=trashed&notice_id=ID"},
		{"trash", "", "/images/01KAJ8Q4Y2M3N5P7R9T1V3X5Z7", "/?notice=trashed&notice_id=ID"},
		{"restore", "", "/?notice=trashed&notice_id=ID", "/?notice=restored&notice_id=ID"},
		{"restore", "", "/trash", "/trash?notice=restored&notice_id=ID"},
		{"restore", "", "/upload", "/?notice=restored&notice_id=ID"},
		{"restore", "/trash?cursor=x", "/", "/trash?cursor=x&notice=restored&notice_id=ID"},
		{"purge", "", "/trash", "/trash?notice=purged&notice_id=ID"},
		{"purge", "//evil.example", "", "/trash?notice=purged&notice_id=ID"},
	} {
		id := s.put(0)
		if tt.verb == "purge" {
			id = s.put(0, trashed)
		}
		var headers []string
		if tt.referer != "" {
			headers = []string{"Referer: " + s.url + strings.ReplaceAll(tt.referer, "ID", id)}
		}
		a := s.postForm("/images/"+id+"/"+tt.verb, url.Values{"next": {tt.next}}, headers...).want(t, http.StatusSeeOther)
		if got, want := a.Header.Get("Location"), strings.ReplaceAll(tt.want, "ID", id); got != want {
			t.Errorf("%s, next %q, from %q: to %s, want %s", tt.verb, tt.next, tt.referer, got, want)
		}
		s.get(a.Header.Get("Location")).want(t, map[bool]int{true: 400, false: 200}[strings.Contains(tt.next, "cursor")])
	}
	foreign := s.post("/images/"+s.put(0)+"/trash", "Referer: https://evil.example/trash").want(t, http.StatusSeeOther)
	if got := foreign.Header.Get("Location"); !strings.HasPrefix(got, "/?") {
		t.Errorf("after a foreign referer: to %s", got)
	}
}

func TestFormsDoWhatTheySay(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	s.post("/images/"+id+"/purge").wantErrorPage(t, http.StatusConflict)
	s.post("/images/"+id+"/trash").want(t, http.StatusSeeOther)
	if image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id)); image.TrashedAt == nil {
		t.Fatal("not in the trash")
	}
	s.post("/images/"+id+"/restore").want(t, http.StatusSeeOther)
	if image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id)); image.TrashedAt != nil {
		t.Fatal("still in the trash")
	}
	s.post("/images/"+id+"/trash").want(t, http.StatusSeeOther)
	s.post("/images/"+id+"/purge").want(t, http.StatusSeeOther)
	s.get("/images/"+id).wantErrorPage(t, http.StatusNotFound)
}

func TestFormLimits(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	path := "/images/" + id + "/trash"
	const limit = 16 << 10
	for size, status := range map[int]int{limit - 1: http.StatusSeeOther, limit: http.StatusSeeOther, limit + 1: http.StatusRequestEntityTooLarge} {
		a := s.do(http.MethodPost, path, strings.NewReader("x="+strings.Repeat("a", size-2)), "Content-Type: application/x-www-form-urlencoded")
		if a.StatusCode != status {
			t.Errorf("%d bytes: %d, want %d", size, a.StatusCode, status)
		}
	}
	for _, contentType := range []string{"text/plain", "application/json", "multipart/form-data; boundary=x", ""} {
		s.do(http.MethodPost, path, strings.NewReader("x=1"), "Content-Type: "+contentType).wantErrorPage(t, http.StatusUnsupportedMediaType)
	}
	s.do(http.MethodPost, path, strings.NewReader("%zz"), "Content-Type: application/x-www-form-urlencoded").wantErrorPage(t, http.StatusBadRequest)
}

func TestLanguageSwitch(t *testing.T) {
	s := serve(t)
	a := s.postForm("/language", url.Values{"lang": {"ko"}, "next": {"/trash?cursor=x"}}).want(t, http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != "/trash?cursor=x" {
		t.Errorf("Location %q", got)
	}
	cookie := a.Cookies()[0]
	if cookie.Name != "lang" || cookie.Value != "ko" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Secure {
		t.Errorf("cookie %v", cookie)
	}
	if page := s.get("/", "Cookie: "+cookie.Name+"="+cookie.Value, "Accept-Language: en"); !strings.Contains(page.body, `lang="ko"`) {
		t.Error("the page is not in Korean")
	}
	for _, lang := range []string{"", "xx", "ko; Path=/x", "KO"} {
		s.postForm("/language", url.Values{"lang": {lang}}).wantErrorPage(t, http.StatusBadRequest)
	}
}

func TestW07_RedirectsStayHere(t *testing.T) {
	s := serve(t)
	for _, next := range []string{
		"//evil.example", `/\evil.example`, `\/evil.example`, "https:evil.example", "https://evil.example/", "/%09/evil.example", "/\t/evil.example",
		"javascript:alert(1)", "@evil.example", "evil.example", "/a\r\nSet-Cookie: x=y", "/%0d%0aX: y", "/..//evil.example", "/x/%2e%2e//evil.example", "/%2f/evil.example",
		"/%5cevil.example", "http:/evil.example", "///evil.example", "/./evil", "?next=x", "#x", "/" + strings.Repeat("a", 2048),
	} {
		a := s.postForm("/language", url.Values{"lang": {"en"}, "next": {next}}).want(t, http.StatusSeeOther)
		if got := a.Header.Get("Location"); got != "/" {
			t.Errorf("next %q leads to %q", next, got)
		}
	}
}

func TestErrorPages(t *testing.T) {
	s, r := watch(t)
	s.get("/nothing", "Accept: application/json").wantErrorPage(t, http.StatusNotFound)
	if view := last[pages.ErrorView](t, r); view.Code != "not_found" || view.Status != http.StatusNotFound || view.RequestID == "" || view.Path != "/nothing" {
		t.Errorf("view %+v", view)
	}
	s.post("/images/1/trash").wantErrorPage(t, http.StatusNotFound)
	if view := last[pages.ErrorView](t, r); view.Path != "/" {
		t.Errorf("the path of a form's error is %q, which the language switch leads back to", view.Path)
	}
	s.catalog.FailWith(fault.New(fault.Unavailable, "database_unavailable", "Away."))
	a := s.get("/")
	a.wantErrorPage(t, http.StatusServiceUnavailable)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestP18_LongLanguageHeaders(t *testing.T) {
	s := serve(t)
	s.get("/", "Accept-Language: "+strings.Repeat("ko;q=0.1,", 2000)).want(t, http.StatusOK)
	s.get("/", "Cookie: "+strings.Repeat("lang=xx; ", 2000)).want(t, http.StatusOK)
}

// A name is text wherever it is shown.
func TestW01_NamesAreText(t *testing.T) {
	s := serve(t)
	const evil = `"><script>alert(1)</script>'onload=x`
	id := s.put(0, func(c *catalogapi.Image) { c.Name, c.Camera.Model = evil, evil })
	s.put(1, func(c *catalogapi.Image) {
		c.Name, c.State, c.FailDetail = evil, catalogapi.StateFailed, evil
	})
	s.put(2, trashed, func(c *catalogapi.Image) { c.Name = evil })
	for _, path := range []string{"/", "/trash", "/images/" + id, "/upload", "/fragments/images", "/" + url.PathEscape(evil), "/?month=" + url.QueryEscape(evil)} {
		if body := s.get(path).body; strings.Contains(body, "<script>alert") {
			t.Errorf("%s runs a name", path)
		}
	}
	if body := s.upload("/upload", file{evil, []byte("x")}).body; strings.Contains(body, "<script>alert") {
		t.Error("the answer to an upload runs a name")
	}
}
