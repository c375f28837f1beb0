package httpapi

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// frame is what every page has around its content. Its path is one that GET
// serves: an error about a form leads back to the gallery.
func (s *Server) frame(r *http.Request) pages.Frame {
	path, here := r.URL.Path, r.URL.Path
	switch {
	case r.Method == http.MethodPost && path != uploadPath && path != tutorialPath:
		path, here = "/", "/"
	case r.Method == http.MethodGet:
		here = withoutNotice(r.URL)
	}
	actor, known := actorOf(r.Context())
	return pages.Frame{Path: path, Here: here, Language: s.Pages.Language(r), Account: actor.Account.Name, Anonymous: s.Accounts != nil && !known}
}

// withoutNotice is an address that says once more what it shows, but for what was
// just done.
func withoutNotice(u *url.URL) string {
	query := u.Query()
	query.Del("notice")
	query.Del("notice_id")
	return (&url.URL{Path: u.Path, RawQuery: query.Encode()}).String()
}

// gridOf is a run of pictures as the pages show it.
func gridOf(images []catalogapi.Image, next string) pages.Grid {
	return pages.Grid{Figures: figuresOf(images), NextCursor: next}
}

func figuresOf(images []catalogapi.Image) []pages.Figure {
	out := make([]pages.Figure, len(images))
	for i, c := range images {
		out[i] = figureOf(c)
	}
	return out
}

func figureOf(c catalogapi.Image) pages.Figure {
	out := pages.Figure{
		ID: c.ID, Name: c.Name, State: c.State, FailCode: c.FailCode, FailDetail: c.FailDetail, Width: c.Width, Height: c.Height,
		Placeholder: c.Placeholder, Renditions: make([]pages.Source, len(c.Renditions)),
		OriginalURL: mediaURL(c.ID, gallery.Original), TakenAt: captureTime(c), Animated: c.Animated, TrashedAt: c.TrashedAt,
	}
	out.Viewable = inlineTypes[c.ContentType] != nil
	if c.SHA256 != "" { // else nobody has looked yet at what it is
		out.Kind = kindOf(c.ContentType)
	}
	out.Unavailable = c.Preview != ""
	if c.Motion != nil {
		out.MotionURL = mediaURL(c.ID, gallery.Motion)
	}
	for i, r := range c.Renditions {
		out.Renditions[i] = pages.Source{Name: r.Name, URL: mediaURL(c.ID, r.Name), Width: r.Width, Height: r.Height}
	}
	return out
}

// kindOf is what people call a type: JPEG, TIFF, DNG.
func kindOf(contentType string) string {
	_, kind, _ := strings.Cut(contentType, "/")
	return strings.ToUpper(kind[strings.LastIndexByte(kind, '-')+1:])
}

// captureTime is when the picture was taken, on the clock of the place where it
// was taken, so that a picture of the evening is not shown under the next day.
func captureTime(c catalogapi.Image) time.Time {
	if c.TakenOffset == nil {
		return c.TakenAt.UTC()
	}
	return c.TakenAt.In(time.FixedZone("", *c.TakenOffset*60))
}

// infoOf is the information panel.
func infoOf(c catalogapi.Image) pages.Info {
	info := pages.Info{
		Size: c.Size, ContentType: c.ContentType, SHA256: c.SHA256, CreatedAt: c.CreatedAt, HasOffset: c.TakenOffset != nil,
		Make: c.Camera.Make, Model: c.Camera.Model, Lens: c.Camera.Lens, Exposure: c.Camera.ExposureTime,
		FNumber: c.Camera.FNumber, ISO: c.Camera.ISO, FocalLength: c.Camera.FocalLength,
	}
	info.Caption, info.Keywords, info.Rating = c.Caption, c.Keywords, c.Rating
	if c.Place != nil {
		info.HasPlace, info.Latitude, info.Longitude = true, c.Place.Latitude, c.Place.Longitude
	}
	return info
}

func monthsOf(months []catalogapi.Month) (out []pages.Month, total int64) {
	out = make([]pages.Month, len(months))
	for i, m := range months {
		out[i] = pages.Month{Month: m.Month, Count: m.Count}
		total += m.Count
	}
	return out, total
}

// resultsOf is what the upload page says about each file.
func resultsOf(results []uploadapi.Result, requestID string) []pages.UploadResult {
	out := make([]pages.UploadResult, len(results))
	for i, r := range results {
		out[i] = pages.UploadResult{Name: r.Name, Status: r.Status, ID: r.ID, DuplicateOf: r.DuplicateOf, Trashed: r.Trashed}
		if r.Problem != nil {
			out[i].Failure = failureFrom(*r.Problem, requestID)
		}
	}
	return out
}

func failureFrom(d problem.Details, requestID string) *pages.Failure {
	return &pages.Failure{Status: d.Status, Code: d.Code, Detail: d.Detail, RequestID: requestID}
}
