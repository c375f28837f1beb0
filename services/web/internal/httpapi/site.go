package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// nextCursorHeader tells the scripts where the next fragment begins.
const nextCursorHeader = "Sajin-Next-Cursor"

// recentOnUpload is how many of the newest pictures the upload page lists.
const recentOnUpload = 60

// The form is at uploadPath, and at tutorialPath, where the application of the
// tutorial had it: its links and clients go on working.
const (
	uploadPath   = "/upload"
	tutorialPath = "/imageapp/upload_image/"
	// sharePath takes what other apps share with the installed page, where its
	// service worker does not.
	sharePath = pages.SharePath
)

// logoPath is the logo under a fingerprint that is none, which Static serves as
// it is now.
const logoPath = "/static/logo.favicon.svg"

// workerPath is the service worker under a fingerprint that is none. It is
// served beside the pages, since it may only serve what is below its address.
const workerPath = "/static/sw.root.js"

// notices are the messages that a page may be asked to show once.
var notices = []string{"trashed", "restored", "purged", "album_deleted"}

// routeSite registers what people use.
func (s *Server) routeSite() {
	s.site.HandleFunc("GET /{$}", s.inTime(s.showGallery))
	s.site.HandleFunc("GET /fragments/images", s.inTime(s.showFragment))
	s.site.HandleFunc("GET /fragments/months", s.inTime(s.showMonths))
	s.site.HandleFunc("GET /images/{id}", s.inTime(s.showImage))
	s.site.HandleFunc("GET /trash", s.inTime(s.showTrash))
	for _, path := range []string{uploadPath, tutorialPath + "{$}", sharePath} {
		s.site.HandleFunc("GET "+path, s.inTime(s.showUpload))
		s.site.HandleFunc("POST "+path, s.orFail(s.takeUpload))
	}
	s.site.HandleFunc("POST /images/{id}/trash", s.inTime(s.trashImage))
	s.site.HandleFunc("POST /images/{id}/restore", s.inTime(s.restoreImage))
	s.site.HandleFunc("POST /images/{id}/purge", s.inTime(s.purgeImage))
	s.routeAlbums()
	s.routeAccounts()
	s.site.HandleFunc("POST /language", s.inTime(s.setLanguage))
	s.site.HandleFunc("GET /static/", s.serveStatic)
	s.site.HandleFunc("GET /favicon.ico", s.serveAs(logoPath)) // for those who ask without having read a page
	s.site.HandleFunc("GET /sw.js", s.serveAs(workerPath))
	s.site.HandleFunc("GET /manifest.webmanifest", s.inTime(s.showManifest))
}

// serveAs serves the static file at path under another address.
func (s *Server) serveAs(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		inner.URL.Path = path
		s.serveStatic(w, inner)
	}
}

func (s *Server) showManifest(w http.ResponseWriter, r *http.Request) error {
	var body bytes.Buffer
	if err := s.Pages.Manifest(&body, s.Pages.Language(r)); err != nil {
		return fault.As(fault.Internal, "httpapi.showManifest", err)
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body.Bytes()) // the client is gone; there is nobody to tell
	return nil
}

// serveStatic serves a file of the interface; what is not there is answered
// with a page, as everywhere beside the API.
func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request) {
	watched := &notFoundWriter{ResponseWriter: w}
	s.Pages.Static().ServeHTTP(watched, r)
	if watched.notFound {
		s.failPage(w, r, gallery.ErrNotFound, http.StatusNotFound)
	}
}

// notFoundWriter holds an answer of 404 back.
type notFoundWriter struct {
	http.ResponseWriter
	notFound bool
}

func (w *notFoundWriter) WriteHeader(status int) {
	if w.notFound = status == http.StatusNotFound; !w.notFound {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *notFoundWriter) Write(p []byte) (int, error) {
	if w.notFound {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func (s *Server) showGallery(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "month", "cursor", "notice", "notice_id")
	if err != nil {
		return err
	}
	t, err := s.Gallery.Timeline(r.Context(), catalogapi.ListRequest{Cursor: q.String("cursor"), Month: q.String("month")})
	if err != nil {
		return err
	}
	view := pages.GalleryView{
		Frame: s.frame(r), Grid: gridOf(t.Page.Images, t.Page.NextCursor), Month: q.String("month"), ChangesCursor: t.ChangesCursor,
	}
	view.Months, view.Total = monthsOf(t.Months)
	view.Notice, view.NoticeID = notice(q)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Gallery(out, view) })
}

// notice reads which message to show. It comes from a link that anybody may
// have made, so only what we say ourselves is passed on.
func notice(q httpx.Query) (key, id string) {
	if key = q.String("notice"); !slices.Contains(notices, key) {
		return "", ""
	}
	if id = q.String("notice_id"); !identity.ValidImageID(id) {
		return key, ""
	}
	return key, id
}

func (s *Server) showTrash(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "cursor", "notice", "notice_id")
	if err != nil {
		return err
	}
	trash, err := s.Gallery.TrashPage(r.Context(), q.String("cursor"))
	if err != nil {
		return err
	}
	view := pages.TrashView{
		Frame: s.frame(r), Grid: gridOf(trash.Page.Images, trash.Page.NextCursor), KeepDays: catalogapi.TrashDays, ChangesCursor: trash.ChangesCursor,
	}
	view.Trash = true
	view.Notice, view.NoticeID = notice(q)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Trash(out, view) })
}

func (s *Server) showImage(w http.ResponseWriter, r *http.Request) error {
	if _, err := httpx.ParsePageQuery(r, "notice", "notice_id"); err != nil {
		return err
	}
	found, err := s.Gallery.Look(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	httpx.RefersTo(r.Context(), found.Image.TraceParent)
	view := pages.ImageView{
		Frame: s.frame(r), Figure: figureOf(found.Image), Info: infoOf(found.Image),
		PreviousID: found.NewerID, NextID: found.OlderID,
	}
	view.Title = found.Image.Name
	view.Albums, view.OtherAlbums = s.albumsOf(r.Context(), found.Image)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Image(out, view) })
}

// showFragment gives the next figures of a grid, or those of the given ids.
func (s *Server) showFragment(w http.ResponseWriter, r *http.Request) error {
	req, ids, after, err := decodeFragment(r)
	if err != nil {
		return err
	}
	var page catalogapi.ListResponse
	if ids != nil {
		page.Images, err = s.Gallery.Some(r.Context(), ids, req.Trashed)
	} else {
		page, err = s.Gallery.List(r.Context(), req)
	}
	if err != nil {
		return err
	}
	grid := gridOf(page.Images, page.NextCursor)
	grid.After, grid.Trash = after, req.Trashed
	frame := s.frame(r)
	w.Header().Set(nextCursorHeader, page.NextCursor)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Fragment(out, frame, grid) })
}

// showMonths gives the months as they are now.
func (s *Server) showMonths(w http.ResponseWriter, r *http.Request) error {
	if _, err := httpx.ParseQuery(r); err != nil {
		return err
	}
	now, err := s.Gallery.Months(r.Context())
	if err != nil {
		return err
	}
	view := pages.GalleryView{Frame: s.frame(r)}
	view.Months, view.Total = monthsOf(now.Months)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Months(out, view) })
}

// decodeFragment reads the query of a fragment. With ids there is no paging.
func decodeFragment(r *http.Request) (req catalogapi.ListRequest, ids []string, after string, err error) {
	q, err := httpx.ParseQuery(r, "cursor", "after", "trashed", "month", "album", "ids")
	if err != nil {
		return req, nil, "", err
	}
	req = catalogapi.ListRequest{Cursor: q.String("cursor"), Month: q.String("month"), Album: q.String("album")}
	if req.Trashed, err = q.Bool("trashed"); err != nil {
		return req, nil, "", err
	}
	if after = q.String("after"); after != "" {
		if day, err := time.Parse(time.DateOnly, after); err != nil || day.Format(time.DateOnly) != after {
			return req, nil, "", fault.Parameter("after", "The parameter after must be a day, such as 2026-05-31.")
		}
	}
	if q.Has("ids") {
		ids, err = parseIDs(q.String("ids"))
	}
	return req, ids, after, err
}

// parseIDs reads up to gallery.MaxSome ids, separated by commas.
func parseIDs(list string) ([]string, error) {
	ids := strings.SplitN(list, ",", gallery.MaxSome+2)
	if len(ids) > gallery.MaxSome || slices.ContainsFunc(ids, func(id string) bool { return !identity.ValidImageID(id) }) {
		return nil, fault.Parameter("ids", "The parameter ids must be 1 to 100 image ids, separated by commas.")
	}
	return ids, nil
}

func (s *Server) showUpload(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "album")
	if err != nil {
		return err
	}
	return s.writeUpload(w, r, http.StatusOK, pages.UploadView{AlbumPath: contract.CleanAlbum(q.String("album"))})
}

// uploadAction is where the form goes. It names the album too, for the answer to
// a form that could not be read.
func uploadAction(path, album string) string {
	u := url.URL{Path: path}
	if album != "" {
		u.RawQuery = url.Values{"album": {album}}.Encode()
	}
	return u.String()
}

// takeUpload is the form without script: what the API does, answered with a
// page. Its album stays, for the files that are sent next.
func (s *Server) takeUpload(w http.ResponseWriter, r *http.Request) error {
	asked := contract.CleanAlbum(r.URL.Query().Get("album")) // of the page that the form was on, if nothing is known of the form
	answer, err := s.receive(w, r)
	if err != nil {
		problem.Log(r.Context(), err, problem.From(err))
		problem.SetRetryAfter(w.Header(), err, statusOf(err))
		failure := failureOf(r.Context(), err)
		return s.writeUpload(w, r, failure.Status, pages.UploadView{Failure: &failure, AlbumPath: asked})
	}
	status := http.StatusOK
	if gallery.OutcomeOf(answer.Results) == gallery.Refused {
		status = http.StatusUnprocessableEntity
	}
	results := resultsOf(answer.Results, problem.RequestID(r.Context()))
	return s.writeUpload(w, r, status, pages.UploadView{Results: results, AlbumPath: answer.Album})
}

// writeUpload completes the view with the newest pictures. They are an extra:
// without them the page still says what became of the files.
func (s *Server) writeUpload(w http.ResponseWriter, r *http.Request, status int, view pages.UploadView) error {
	view.Frame, view.Action = s.frame(r), uploadAction(r.URL.Path, view.AlbumPath)
	view.MaxFiles, view.MaxBytes = s.Uploads.MaxFiles, s.Uploads.MaxFileBytes
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	recent, err := s.Gallery.List(ctx, catalogapi.ListRequest{Limit: recentOnUpload})
	if err != nil {
		s.Log.WarnContext(ctx, "the newest pictures could not be listed", "err", err)
	}
	view.Recent = figuresOf(recent.Images)
	return writePage(w, status, func(out io.Writer) error { return s.Pages.Upload(out, view) })
}
