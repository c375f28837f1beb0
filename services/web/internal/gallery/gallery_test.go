package gallery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery/gallerytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering is an Uploader that has an answer ready.
type answering struct {
	gallerytest.NoSessions
	uploadapi.UploadResponse
	err error
}

func (a answering) Upload(context.Context, string, int64, io.Reader) (uploadapi.UploadResponse, error) {
	return a.UploadResponse, a.err
}

// catalog is a Catalog that notes what was asked of it.
type catalog struct {
	*gallerytest.Catalog
	batches []int // images in each Expect
	gone    bool  // whether the context of an Expect had ended
}

func (c *catalog) Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error) {
	c.batches = append(c.batches, len(req.Images))
	c.gone = c.gone || ctx.Err() != nil
	return c.Catalog.Expect(ctx, req)
}

func newService(u gallery.Uploader) (*gallery.Service, *catalog, *gallerytest.Media) {
	c, m := &catalog{Catalog: gallerytest.NewCatalog()}, gallerytest.NewMedia()
	return gallery.New(c, u, m, slog.New(slog.DiscardHandler)), c, m
}

func owner(t *testing.T) context.Context {
	return identity.WithOwner(t.Context(), identity.LocalOwner)
}

// completing answers for a file of a session.
type completing struct {
	answering
	uploadapi.Result
}

func (c completing) Complete(context.Context, string) (uploadapi.SessionResponse, error) {
	return uploadapi.SessionResponse{Status: 201, Result: &c.Result}, nil
}

// A file that is safe and was not read yet is found under the id that its sender
// is told, and what is for services stays with them.
func TestUnreadIsThere(t *testing.T) {
	id := identity.NewImageID(time.Now())
	s, _, _ := newService(completing{Result: uploadapi.Result{
		Name: "a.jpg", Status: uploadapi.StatusProcessing, ID: id, Stored: &uploadapi.Stored{
			Key: contract.OriginalKey(id, identity.ImageTime(id), ".jpg"), Size: 10, ContentType: "application/octet-stream",
			CreatedAt: identity.ImageTime(id).Format(time.RFC3339Nano),
		},
	}})
	resp, err := s.Complete(owner(t), id)
	if err != nil || resp.Result.Status != uploadapi.StatusProcessing || resp.Result.ID != id || resp.Result.Stored != nil {
		t.Fatalf("Complete: %+v, %v", resp.Result, err)
	}
	if image, err := s.Get(owner(t), id); err != nil || image.State != catalogapi.StateProcessing || image.Name != "a.jpg" {
		t.Errorf("Get: %+v, %v", image, err)
	}
}

// stored is the result for a file whose bytes are those of no other n.
func stored(n int) uploadapi.Result {
	id := identity.NewImageID(time.Now())
	return uploadapi.Result{Name: fmt.Sprint(n), Status: uploadapi.StatusStored, ID: id, Stored: &uploadapi.Stored{
		Key: "originals/20260531/" + id + ".jpg", Size: 1, ContentType: "image/jpeg", SHA256: fmt.Sprintf("%064x", n), CreatedAt: "2026-05-31T12:00:00Z",
	}}
}

func upload(t *testing.T, s *gallery.Service) []uploadapi.Result {
	t.Helper()
	resp, err := s.Upload(owner(t), "multipart/form-data; boundary=x", -1, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return resp.Results
}

func TestUploadAnnouncesInBatches(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1001, 2500} {
		var results []uploadapi.Result
		for i := range n {
			results = append(results, stored(i))
			results = append(results, uploadapi.Result{Name: "refused", Status: uploadapi.StatusRefused})
		}
		s, c, _ := newService(answering{UploadResponse: uploadapi.UploadResponse{Results: results}})
		got := upload(t, s)
		total := 0
		for _, size := range c.batches {
			if total += size; size > catalogapi.MaxExpect {
				t.Errorf("%d files: a batch of %d", n, size)
			}
		}
		if total != n || len(got) != 2*n {
			t.Errorf("%d files: %d announced, %d answered", n, total, len(got))
		}
	}
}

func TestUploadMarksDuplicatesWhereTheyAre(t *testing.T) {
	first := stored(1)
	s, _, _ := newService(answering{UploadResponse: uploadapi.UploadResponse{Results: []uploadapi.Result{
		{Name: "bad", Status: uploadapi.StatusRefused}, first, stored(2), stored(1), {Name: "old", Status: uploadapi.StatusDuplicate, DuplicateOf: "x"},
	}}})
	got := upload(t, s)
	for i, want := range []string{"refused", "stored", "stored", "duplicate", "duplicate"} {
		if got[i].Status != want || got[i].Stored != nil {
			t.Errorf("result %d: %+v, want %s", i, got[i], want)
		}
	}
	if got[3].DuplicateOf != first.ID || got[3].ID != "" {
		t.Errorf("the duplicate: %+v, want of %s", got[3], first.ID)
	}
}

// The client leaves as soon as its last byte is away: what was stored is
// announced all the same.
func TestUploadAnnouncesForAClientThatLeft(t *testing.T) {
	s, c, _ := newService(answering{UploadResponse: uploadapi.UploadResponse{Results: []uploadapi.Result{stored(1)}}})
	ctx, cancel := context.WithCancel(owner(t))
	cancel()
	if _, err := s.Upload(ctx, "", -1, nil); err != nil || c.gone || len(c.batches) != 1 {
		t.Fatalf("error %v, announced %v, with an ended context: %v", err, c.batches, c.gone)
	}
}

func TestUploadKeepsTheUploadersError(t *testing.T) {
	full := fault.New(fault.OutOfSpace, "storage_full", "Full.")
	s, c, _ := newService(answering{err: full})
	if _, err := s.Upload(owner(t), "", -1, nil); !errors.Is(err, full) || len(c.batches) != 0 {
		t.Fatalf("error %v, announced %v", err, c.batches)
	}
}

func TestUploadSurvivesANonsensicalTime(t *testing.T) {
	odd := stored(1)
	odd.Stored.CreatedAt = "yesterday"
	s, _, _ := newService(answering{UploadResponse: uploadapi.UploadResponse{Results: []uploadapi.Result{odd}}})
	if got := upload(t, s); got[0].Status != uploadapi.StatusStored || got[0].ID == "" {
		t.Fatalf("%+v", got[0])
	}
}

func TestOutcomeIsTheBest(t *testing.T) {
	for statuses, want := range map[string]gallery.Outcome{
		"": gallery.Refused, "refused": gallery.Refused, "refused duplicate": gallery.Known, "duplicate refused processing": gallery.Stored, "stored refused": gallery.Stored,
	} {
		var results []uploadapi.Result
		for status := range strings.FieldsSeq(statuses) {
			results = append(results, uploadapi.Result{Status: status})
		}
		if got := gallery.OutcomeOf(results); got != want {
			t.Errorf("%q: %v, want %v", statuses, got, want)
		}
	}
}

// image puts an image with a rendition into both.
func image(c *catalog, m *gallerytest.Media) catalogapi.Image {
	id := identity.NewImageID(time.Now())
	out := catalogapi.Image{
		ID: id, Name: "a.jpg", Key: "originals/" + id, ContentType: "image/png", SHA256: "abc", TakenAt: time.Now(),
		Renditions: []contract.Rendition{{Name: "w320", Key: "renditions/" + id, ContentType: "image/jpeg"}},
	}
	m.Put(out.Key, []byte("original"))
	m.Put(out.Renditions[0].Key, []byte("small"))
	c.Put(out)
	return out
}

func TestMediumReadsTheVersionThatWasSeen(t *testing.T) {
	s, c, m := newService(nil)
	i := image(c, m)
	small, err := s.Medium(owner(t), i.ID, "w320")
	if err != nil || small.ContentType != "image/jpeg" {
		t.Fatalf("%+v, %v", small, err)
	}
	v, err := small.Stat(owner(t))
	if err != nil || v.Size != 5 {
		t.Fatalf("%+v, %v", v, err)
	}
	r, err := small.OpenVersion(owner(t), v, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "mal" {
		t.Fatalf("%q, %v", got, err)
	}
	m.Put(i.Renditions[0].Key, []byte("other"))
	if _, err := small.OpenVersion(owner(t), v, 1, 3); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("of another version: %v, want unavailable", err)
	}
}

func TestMediumIsThereOrNot(t *testing.T) {
	s, c, m := newService(nil)
	i := image(c, m)
	for _, at := range [][2]string{{i.ID, "w999"}, {i.ID, ""}, {i.ID, "../original"}, {"x", "w320"}, {identity.NewImageID(time.Now()), "w320"}} {
		if _, err := s.Medium(owner(t), at[0], at[1]); !errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("%v: %v", at, err)
		}
	}
	i.Key = "originals/gone"
	c.Put(i)
	gone, err := s.Medium(owner(t), i.ID, gallery.Original)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := gone.Open(owner(t), 0, -1); !errors.Is(err, gallery.ErrNotFound) || !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("without its object: %v", err)
	}
}

// An image that is purged between two looks has no neighbours, and is shown.
func TestLookWithoutNeighbours(t *testing.T) {
	c := lonely{gallerytest.NewCatalog()}
	i := image(&catalog{Catalog: c.Catalog}, gallerytest.NewMedia())
	s := gallery.New(c, nil, nil, slog.New(slog.DiscardHandler))
	if found, err := s.Look(owner(t), i.ID); err != nil || found.Image.ID != i.ID || found.NewerID+found.OlderID != "" {
		t.Fatalf("%+v, %v", found, err)
	}
}

type lonely struct{ *gallerytest.Catalog }

func (lonely) Neighbours(context.Context, string) (catalogapi.Neighbours, error) {
	return catalogapi.Neighbours{}, fault.New(fault.NotFound, "gone", "")
}

func TestSomeIsLimited(t *testing.T) {
	s, c, m := newService(nil)
	id := image(c, m).ID
	for n, ok := range map[int]bool{0: true, 99: true, 100: true, 101: false} {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = id
		}
		found, err := s.Some(owner(t), ids, false)
		if (err == nil) != ok || (ok && len(found) != min(n, 1)) {
			t.Errorf("%d ids: %d found, %v", n, len(found), err)
		}
	}
	c.FailWith(fault.New(fault.Unavailable, "away", ""))
	if _, err := s.Some(owner(t), []string{id}, false); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without the catalog: %v", err)
	}
}

// The feed's cursor is from before the page: what comes in between is told.
func TestTimelineMissesNoChange(t *testing.T) {
	_, c, m := newService(nil)
	between := &arriving{Catalog: c.Catalog, put: func() { image(c, m) }}
	s := gallery.New(between, nil, m, slog.New(slog.DiscardHandler))
	timeline, err := s.Timeline(owner(t), catalogapi.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	since, err := s.Changes(owner(t), catalogapi.ChangesRequest{Cursor: timeline.ChangesCursor})
	if err != nil || len(since.Changes) != 1 {
		t.Fatalf("%+v, %v; want the picture that came in between", since, err)
	}
}

// The trash's too, on which the picture that went in between is not yet.
func TestTrashMissesNoChange(t *testing.T) {
	_, c, m := newService(nil)
	id := image(c, m)
	between := &arriving{Catalog: c.Catalog, put: func() {
		if _, err := c.Trash(owner(t), id.ID); err != nil {
			t.Error(err)
		}
	}}
	s := gallery.New(between, nil, m, slog.New(slog.DiscardHandler))
	trash, err := s.TrashPage(owner(t), "")
	if err != nil {
		t.Fatal(err)
	}
	since, err := s.Changes(owner(t), catalogapi.ChangesRequest{Cursor: trash.ChangesCursor})
	if err != nil || len(since.Changes) != 1 {
		t.Fatalf("%+v, %v; want what went to the trash in between", since, err)
	}
	c.FailWith(fault.New(fault.Unavailable, "away", ""))
	if _, err := s.TrashPage(owner(t), ""); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without the catalog: %v", err)
	}
}

// arriving has a picture come in right after the first look at the feed.
type arriving struct {
	*gallerytest.Catalog
	put func()
}

func (a *arriving) Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	resp, err := a.Catalog.Changes(ctx, req)
	if a.put != nil {
		a.put()
		a.put = nil
	}
	return resp, err
}
