package httpapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
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
	if fmt.Sprint(idsOf(view.Figures)) != "["+gone+"]" || view.KeepDays != 30 || !view.Trash || view.ChangesCursor != "2" || view.Figures[0].TrashedAt == nil {
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

func TestMonthsFragment(t *testing.T) {
	s := serve(t)
	s.put(0)
	s.put(1)
	s.put(2, trashed)
	if a := s.get("/fragments/months").want(t, http.StatusOK); strings.Contains(a.body, "<figure") || !strings.Contains(a.body, "data-total>2 pictures<") {
		t.Errorf("the months are %s", a.body)
	}
	s.get("/fragments/months?month=x").wantErrorPage(t, http.StatusBadRequest)
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
	for _, path := range []string{"/upload", "/imageapp/upload_image/", "/share"} {
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

// Who adds to an album by the form goes on adding to it, also after a form that
// could not be read; who emptied the field does not.
func TestUploadPageKeepsTheAlbum(t *testing.T) {
	for album, want := range map[string]struct{ kept, action string }{
		"Trips/ Seoul ": {"Trips/Seoul", "/upload?album=Trips%2FSeoul"},
		"":              {"", "/upload"},
	} {
		s, r := watch(t)
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		err := w.WriteField("album", album)
		content, _ := w.CreateFormFile("file_field", "new.png")
		_, _ = content.Write(picture(t, 1)) // into memory
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		s.do(http.MethodPost, "/upload?album=Old", &body, "Content-Type: "+w.FormDataContentType()).want(t, http.StatusOK)
		if view := last[pages.UploadView](t, r); view.AlbumPath != want.kept || view.Action != want.action {
			t.Errorf("%q is kept as %q, and the form goes to %s", album, view.AlbumPath, view.Action)
		}
	}
	s, r := watch(t)
	s.get("/upload?album=Old").want(t, http.StatusOK)
	action := last[pages.UploadView](t, r).Action
	s.postForm(action, url.Values{"a": {"b"}}).want(t, http.StatusUnsupportedMediaType)
	if view := last[pages.UploadView](t, r); view.AlbumPath != "Old" {
		t.Errorf("after a form that could not be read the album is %q", view.AlbumPath)
	}
}

// Clients of the tutorial leave the last slash out; a form sent there arrives.
func TestTheTutorialsPathWithoutItsSlash(t *testing.T) {
	s := serve(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := s.do(method, "/imageapp/upload_image", nil).want(t, http.StatusTemporaryRedirect)
		if got := a.Header.Get("Location"); got != "/imageapp/upload_image/" {
			t.Errorf("%s leads to %q", method, got)
		}
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

// Who changes the language stays where they are, and is not told again what was
// just done.
func TestTheLanguageSwitchLeadsBack(t *testing.T) {
	s := serve(t)
	for path, want := range map[string]string{
		"/": "/", "/?month=2026-05": "/?month=2026-05", "/upload?album=Trip%2FSeoul": "/upload?album=Trip%2FSeoul", "/trash?notice=purged": "/trash",
		"/nothing?x=%22%3E%3Cscript%3E": "/nothing?x=%22%3E%3Cscript%3E",
	} {
		if page := s.get(path); !strings.Contains(page.body, `name="next" value="`+want+`"`) {
			t.Errorf("%s does not lead back to %s", path, want)
		}
	}
	failed := s.postForm("/images/x/trash", nil)
	if !strings.Contains(failed.body, `name="next" value="/"`) {
		t.Error("an error about a form leads nowhere")
	}
}
