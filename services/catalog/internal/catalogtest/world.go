package catalogtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// world is a test's view: an owner of its own.
type world struct {
	*testing.T
	Harness
	owner identity.Owner
	ctx   context.Context
}

var worlds atomic.Int64

// base is when the suite's pictures were taken.
var base = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, h Harness) *world {
	owner := identity.Owner("owner-" + strings.ToLower(identity.NewImageID(base.Add(time.Duration(worlds.Add(1))))))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &world{T: t, Harness: h, owner: owner, ctx: identity.WithOwner(ctx, owner)}
}

// as is the same world for another owner.
func (w *world) as(owner identity.Owner) *world {
	out := *w
	out.owner, out.ctx = owner, identity.WithOwner(w.ctx, owner)
	return &out
}

// manifest is of an image whose bytes are content, taken so many minutes after
// base.
func (w *world) manifest(content string, minutes int) contract.Manifest {
	created := base.Add(time.Hour)
	id := identity.NewImageID(created)
	taken := base.Add(time.Duration(minutes) * time.Minute)
	return contract.Manifest{
		Version: 1, ID: id, Owner: string(w.owner), Name: content + ".jpg", Key: contract.OriginalKey(id, created, ".jpg"),
		Generation: 1, Size: int64(len(content)), ContentType: "image/jpeg", SHA256: sum(content),
		Width: 40, Height: 30, TakenAt: &taken, CreatedAt: created,
		Renditions: []contract.Rendition{{
			Name: "w320", Key: contract.RenditionKey(id, "w320", ".jpg"), Width: 32, Height: 24, Size: 9, ContentType: "image/jpeg",
		}},
	}
}

func sum(content string) string {
	hash := sha256.Sum256([]byte(content))
	return hex.EncodeToString(hash[:])
}

// expectedOf is what upload announces of the image.
func expectedOf(m contract.Manifest) catalogapi.Expected {
	return catalogapi.Expected{
		ID: m.ID, Name: m.Name, Key: m.Key, Size: m.Size, ContentType: m.ContentType, SHA256: m.SHA256,
		Width: m.Width, Height: m.Height, CreatedAt: m.CreatedAt,
	}
}

// uploaded hands over the event, which must work.
func (w *world) uploaded(m contract.Manifest) {
	w.Helper()
	if err := w.tryUploaded(m); err != nil {
		w.Fatalf("image.uploaded of %s: %v", m.ID, err)
	}
}

func (w *world) tryUploaded(m contract.Manifest) error {
	return w.handle(contract.TypeImageUploaded, m.ID, contract.ImageUploaded{Manifest: m})
}

func (w *world) rejected(m contract.Manifest, code string) {
	w.Helper()
	err := w.handle(contract.TypeImageRejected, m.ID, contract.ImageRejected{
		ID: m.ID, Owner: m.Owner, Name: m.Name, Code: code, Detail: "It is " + code + ".",
	})
	if err != nil {
		w.Fatalf("image.rejected of %s: %v", m.ID, err)
	}
}

// handle hands over an event that has an id of its own for what it says.
func (w *world) handle(typ, id string, data any) error {
	e, err := contract.New(typ+"/"+id, contract.SourceUpload, typ, id, base, data)
	if err != nil {
		return err
	}
	e.ID += "/" + sum(string(e.Data))
	return w.deliver(e)
}

func (w *world) deliver(e event.Event) error {
	// The bus knows no owner: the event says whose image it is.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), 30*time.Second)
	defer cancel()
	return w.Handle(identity.WithOwner(ctx, ""), event.Delivery{Event: e, Attempt: 1})
}

// add uploads an image and returns it as it is listed.
func (w *world) add(content string, minutes int) catalogapi.Image {
	w.Helper()
	m := w.manifest(content, minutes)
	w.uploaded(m)
	return w.get(m.ID)
}

func (w *world) get(id string) catalogapi.Image {
	w.Helper()
	i, err := w.Catalog.Get(w.ctx, id)
	if err != nil {
		w.Fatalf("Get(%s): %v", id, err)
	}
	return i
}

func (w *world) expect(all ...catalogapi.Expected) []catalogapi.ExpectResult {
	w.Helper()
	resp, err := w.Catalog.Expect(w.ctx, catalogapi.ExpectRequest{Images: all})
	if err != nil {
		w.Fatalf("Expect: %v", err)
	}
	return resp.Results
}

func (w *world) trash(id string) {
	w.Helper()
	if _, err := w.Catalog.Trash(w.ctx, id); err != nil {
		w.Fatalf("Trash(%s): %v", id, err)
	}
}

func (w *world) purge(id string) {
	w.Helper()
	w.trash(id)
	if err := w.Catalog.Purge(w.ctx, id); err != nil {
		w.Fatalf("Purge(%s): %v", id, err)
	}
}

// list walks a whole list and returns its images.
func (w *world) list(req catalogapi.ListRequest) []catalogapi.Image {
	w.Helper()
	var out []catalogapi.Image
	for range 10_000 {
		page, err := w.Catalog.List(w.ctx, req)
		if err != nil {
			w.Fatalf("List(%+v): %v", req, err)
		}
		out = append(out, page.Images...)
		if page.NextCursor == "" {
			return out
		}
		req.Cursor = page.NextCursor
	}
	w.Fatalf("List(%+v) does not end", req)
	return nil
}

// cursor is the end of the feed.
func (w *world) cursor() string {
	w.Helper()
	resp, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{})
	if err != nil {
		w.Fatalf("Changes: %v", err)
	}
	return resp.Cursor
}

// since is what the feed says after a cursor, as "kind id".
func (w *world) since(cursor string) []string {
	w.Helper()
	var out []string
	for {
		resp, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor})
		if err != nil {
			w.Fatalf("Changes: %v", err)
		}
		for _, c := range resp.Changes {
			out = append(out, c.Kind+" "+c.ImageID+c.AlbumID)
		}
		if len(resp.Changes) == 0 {
			return out
		}
		cursor = resp.Cursor
	}
}

// consistent checks that the months count what the timeline shows.
func (w *world) consistent() {
	w.Helper()
	want := map[string]int64{}
	for _, i := range w.list(catalogapi.ListRequest{Limit: catalogapi.MaxLimit}) {
		at := i.TakenAt
		if i.TakenOffset != nil {
			at = at.Add(time.Duration(*i.TakenOffset) * time.Minute)
		}
		want[at.Format("2006-01")]++
	}
	resp, err := w.Catalog.Months(w.ctx)
	if err != nil {
		w.Fatalf("Months: %v", err)
	}
	for _, m := range resp.Months {
		if want[m.Month] != m.Count {
			w.Errorf("month %s counts %d, but the timeline shows %d", m.Month, m.Count, want[m.Month])
		}
		delete(want, m.Month)
	}
	if len(want) > 0 {
		w.Errorf("the timeline shows %v, which no month counts", want)
	}
}

// fails checks an error by its kind and code.
func (w *world) fails(err error, kind fault.Kind, code string) {
	w.Helper()
	public := fault.Public(err)
	if err == nil || public.Kind != kind || public.Code != code {
		w.Errorf("err = %v (%v %q), want %v %q", err, public.Kind, public.Code, kind, code)
	}
}

func (w *world) notFound(err error) {
	w.Helper()
	w.fails(err, fault.NotFound, "image_not_found")
}

func ids(all []catalogapi.Image) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].ID
	}
	return out
}
