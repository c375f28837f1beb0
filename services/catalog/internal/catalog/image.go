package catalog

import (
	"reflect"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// TrashPeriod is how long an image stays in the trash before it is deleted for
// good.
const TrashPeriod = catalogapi.TrashDays * 24 * time.Hour

// The errors about an image.
var (
	ErrNotFound   = fault.New(fault.NotFound, "image_not_found", "There is no such image.")
	ErrNotTrashed = fault.New(fault.Conflict, "image_not_trashed", "Only an image in the trash can be deleted for good. Move it to the trash first.")
	ErrIDTaken    = fault.New(fault.Conflict, "image_id_taken", "This id belongs to another image.")
)

// Image is an image with its rules. The contract's type is its data: the
// catalog is where that contract is decided. Times are in UTC to the
// millisecond, and Renditions is never nil.
type Image catalogapi.Image

// ContentKey is what makes two images of an owner the same: their bytes. A
// failed image has none, so that its file may be added again, and neither has one
// whose bytes nobody has read yet.
func (i Image) ContentKey() (key string, ok bool) {
	return i.SHA256, i.SHA256 != "" && i.State != catalogapi.StateFailed
}

// Month is the month of the timeline that the image counts for, as 2006-01, in
// the capture's own offset where it is known.
func (i Image) Month() string {
	at := i.TakenAt.UTC()
	if i.TakenOffset != nil {
		if local := at.Add(time.Duration(*i.TakenOffset) * time.Minute); validYear(local) {
			at = local
		}
	}
	return at.Format("2006-01")
}

// Position is the image's place in the timeline.
func (i Image) Position() Position { return Position{TakenAt: i.TakenAt, ID: i.ID} }

func (i Image) trashed() bool { return i.TrashedAt != nil }

func (i Image) trash(now time.Time) Image {
	now = millis(now)
	i.TrashedAt = &now
	return i
}

func (i Image) restore() Image {
	i.TrashedAt = nil
	return i
}

// fail refuses an image that was expected.
func (i Image) fail(code, detail string) Image {
	i.State = catalogapi.StateFailed
	i.FailCode, i.FailDetail = cut(code, MaxCodeBytes), cut(detail, MaxDetailBytes)
	return i
}

func (i Image) equal(other Image) bool { return reflect.DeepEqual(i, other) }

// expected is the image that upload announced.
func expected(owner identity.Owner, e catalogapi.Expected, now time.Time) Image {
	created := e.CreatedAt
	if !validYear(created) || created.IsZero() {
		created = now
	}
	return Image{
		ID: e.ID, Owner: string(owner), Name: e.Name, Key: e.Key, ContentType: e.ContentType,
		Size: e.Size, Width: e.Width, Height: e.Height, SHA256: e.SHA256,
		TakenAt: millis(created), CreatedAt: millis(created), State: catalogapi.StateProcessing,
		Renditions: []contract.Rendition{},
	}
}

// uploaded is the image of a manifest that was checked.
func uploaded(m contract.Manifest) Image {
	out := Image{
		ID: m.ID, Owner: m.Owner, Name: m.Name, Key: m.Key, ContentType: m.ContentType,
		Size: m.Size, Width: m.Width, Height: m.Height, SHA256: m.SHA256,
		TakenAt: timelineTime(m), TakenOffset: m.TakenOffset, CreatedAt: millis(m.CreatedAt),
		State: catalogapi.StateReady, Placeholder: m.Placeholder, Camera: m.Camera, Place: m.Place,
		Animated: m.Animated, Renditions: append([]contract.Rendition{}, m.Renditions...),
		Preview: m.Preview, Motion: m.Motion, Caption: m.Caption, Keywords: m.Keywords, Rating: m.Rating,
		TraceParent: m.TraceParent,
	}
	return out
}

// timelineTime is when the picture was taken, as well as that is known: by the
// camera, else by the file's date, else when it was uploaded.
func timelineTime(m contract.Manifest) time.Time {
	for _, at := range []*time.Time{m.TakenAt, m.ModifiedAt} {
		if at != nil && validYear(at.UTC()) {
			return millis(*at)
		}
	}
	return millis(m.CreatedAt)
}

// validYear reports whether t can be written as RFC 3339 and as a month.
func validYear(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
