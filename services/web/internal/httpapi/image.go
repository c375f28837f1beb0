package httpapi

import (
	"cmp"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
)

// Image is an image in the public API. Where the bytes lie and whose they are
// is not part of it.
type Image struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	ContentType string           `json:"content_type"`
	Size        int64            `json:"size"`
	Width       int              `json:"width"`
	Height      int              `json:"height"`
	SHA256      string           `json:"sha256"`
	TakenAt     time.Time        `json:"taken_at"`
	TakenOffset *int             `json:"taken_offset_minutes,omitempty"`
	CreatedAt   time.Time        `json:"created_at"`
	TrashedAt   *time.Time       `json:"trashed_at,omitempty"`
	State       string           `json:"state"`
	Problem     *problem.Details `json:"problem,omitempty"` // why it failed
	Placeholder string           `json:"placeholder"`
	Camera      contract.Camera  `json:"camera,omitzero"`
	Place       *contract.Place  `json:"place,omitempty"`
	Animated    bool             `json:"animated,omitempty"`
	Preview     string           `json:"preview,omitempty"` // contract.PreviewUnavailable
	Motion      *Motion          `json:"motion,omitempty"`
	Caption     string           `json:"caption,omitempty"`
	Keywords    []string         `json:"keywords,omitempty"`
	Rating      int              `json:"rating,omitempty"`
	Renditions  []Rendition      `json:"renditions"`
	OriginalURL string           `json:"original_url"`
}

// Rendition is a smaller copy and its address.
type Rendition struct {
	Name        string `json:"name"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	ContentType string `json:"content_type"`
	URL         string `json:"url"`
}

// Motion is the moving part of a live picture and its address.
type Motion struct {
	ContentType string `json:"content_type"`
	Length      int64  `json:"length"` // bytes
	URL         string `json:"url"`
}

// ImagePage is a page of images. NextCursor is empty on the last one.
type ImagePage struct {
	Images     []Image `json:"images"`
	NextCursor string  `json:"next_cursor"`
}

func imageOf(c catalogapi.Image) Image {
	out := Image{
		ID: c.ID, Name: c.Name, ContentType: c.ContentType, Size: c.Size, Width: c.Width, Height: c.Height,
		SHA256: c.SHA256, TakenAt: c.TakenAt.UTC(), TakenOffset: c.TakenOffset, CreatedAt: c.CreatedAt.UTC(),
		TrashedAt: c.TrashedAt, State: c.State, Placeholder: c.Placeholder, Camera: c.Camera, Place: c.Place,
		Animated: c.Animated, Renditions: make([]Rendition, len(c.Renditions)), OriginalURL: mediaURL(c.ID, gallery.Original),
		Preview: c.Preview, Caption: c.Caption, Keywords: c.Keywords, Rating: c.Rating,
	}
	if c.Motion != nil {
		out.Motion = &Motion{ContentType: c.Motion.ContentType, Length: c.Motion.Length, URL: mediaURL(c.ID, gallery.Motion)}
	}
	for i, r := range c.Renditions {
		out.Renditions[i] = Rendition{
			Name: r.Name, Width: r.Width, Height: r.Height, ContentType: r.ContentType, URL: mediaURL(c.ID, r.Name),
		}
	}
	if c.State == catalogapi.StateFailed {
		d := problem.From(failed(c))
		out.Problem = &d
	}
	return out
}

// failed is why an image could not be taken in.
func failed(c catalogapi.Image) error {
	return fault.New(fault.Unprocessable, cmp.Or(c.FailCode, "image_failed"),
		cmp.Or(c.FailDetail, "The image could not be processed."))
}

// mediaURL is where a file of an image is served; both parts are of letters
// and digits only.
func mediaURL(id, name string) string { return "/media/" + id + "/" + name }
