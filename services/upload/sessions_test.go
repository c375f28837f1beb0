package upload_test

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload"
)

// Through the client, over a real directory and a real bus: a file in two
// pieces becomes one image, and is published.
func TestSessions(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	partials, err := s.bucket.Partials()
	if err != nil {
		t.Fatal(err)
	}
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) { d.Partials = partials })
	defer stop()
	c, ctx := client(t, svc.Handler()), asAnna(t.Context())
	content := string(photograph(t, 40, 30)) + strings.Repeat("\x00", 300<<10)
	plan, err := c.Plan(ctx, uploadapi.PlanRequest{Files: []uploadapi.PlanFile{
		{Name: "a.jpg", Size: uploadapi.Length(len(content)), LastModified: "1700000000000", Path: `Trips\Seoul 2026/`}, {Name: "b.jpg", Size: 1},
	}})
	if err != nil || len(plan.Files) != 2 {
		t.Fatalf("Plan: %+v, %v", plan, err)
	}
	session := path.Base(plan.Files[0].SessionURL)
	send := func(from, to int) (uploadapi.SessionResponse, error) {
		return c.Send(ctx, uploadapi.SessionRequest{
			Session: session, ContentRange: fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)),
			Length: int64(to - from), Body: strings.NewReader(content[from:to]),
		})
	}
	const half = 256 << 10
	if got, err := send(0, half); err != nil || got.Status != http.StatusPermanentRedirect || got.Range != "bytes=0-262143" {
		t.Errorf("the first piece: %+v, %v", got, err)
	}
	if got, err := send(0, half); fault.Public(err).Code != "offset_mismatch" || got.Range != "bytes=0-262143" {
		t.Errorf("the first piece again: %+v, %v", got, err)
	}
	got, err := send(half, len(content))
	if err != nil || got.Status != http.StatusCreated || got.Result == nil || got.Result.ID != plan.Files[0].ID || got.Result.Stored == nil {
		t.Fatalf("the last piece: %+v, %v", got, err)
	}
	heard, err := contract.Decode[contract.ImageUploaded](s.heard("test", contract.TypeImageUploaded, 1)[0], contract.TypeImageUploaded)
	if err != nil || heard.Manifest.ID != got.Result.ID || heard.Manifest.Owner != "anna" || heard.Manifest.Size != int64(len(content)) ||
		heard.Manifest.Album != "Trips/Seoul 2026" || got.Result.Stored.Album != heard.Manifest.Album {
		t.Errorf("published %+v, %v", heard, err)
	}
	again, err := c.Complete(ctx, plan.Files[0].ID)
	if err != nil || again.Status != http.StatusOK || again.Result == nil || *again.Result.Stored != *got.Result.Stored {
		t.Errorf("Complete: %+v, %v", again, err)
	}
	if _, err := c.Complete(ctx, plan.Files[1].ID); fault.Public(err).Code != "upload_incomplete" {
		t.Errorf("Complete of what has not arrived: %v", err)
	}
	for _, id := range []string{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "../images"} {
		if _, err := c.Complete(ctx, id); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Complete(%q): %v", id, err)
		}
	}
	other := path.Base(plan.Files[1].SessionURL)
	if err := c.Cancel(ctx, other); err != nil {
		t.Errorf("Cancel: %v", err)
	}
	for _, id := range []string{other, "", "../images", "a"} {
		if err := c.Cancel(ctx, id); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Cancel(%q): %v", id, err)
		}
		if _, err := c.Send(ctx, uploadapi.SessionRequest{Session: id, ContentRange: "bytes */1", Body: http.NoBody}); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Send(%q): %v", id, err)
		}
	}
}

// Where the bucket keeps no partial files there are no sessions, and it is said.
func TestNoSessions(t *testing.T) {
	s := newSite(t)
	svc, stop := s.run()
	defer stop()
	c, ctx := client(t, svc.Handler()), asAnna(t.Context())
	_, err := c.Plan(ctx, uploadapi.PlanRequest{Files: []uploadapi.PlanFile{{Name: "a.jpg", Size: 1}}})
	if fault.Public(err).Code != "sessions_unsupported" {
		t.Errorf("Plan: %v", err)
	}
	if err := c.Cancel(ctx, "ABC"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Cancel: %v", err)
	}
}
