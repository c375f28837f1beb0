package catalogtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

func (w *world) known(contents ...string) []catalogapi.KnownResult {
	w.Helper()
	req := catalogapi.KnownRequest{}
	for _, content := range contents {
		req.SHA256s = append(req.SHA256s, sum(content))
	}
	resp, err := w.Catalog.Known(w.ctx, req)
	if err != nil {
		w.Fatalf("Known: %v", err)
	}
	return resp.Results
}

func testKnown(t *testing.T, w *world) {
	there, inTrash, purged := w.add("there", 0), w.add("in the trash", 1), w.add("purged", 2)
	w.trash(inTrash.ID)
	w.purge(purged.ID)
	expected := w.manifest("expected", 3)
	w.expect(expectedOf(expected))
	failed := w.manifest("failed", 4)
	w.expect(expectedOf(failed))
	w.rejected(failed, "image_corrupt")
	cursor := w.cursor()
	want := []catalogapi.KnownResult{
		{SHA256: sum("new")},
		{SHA256: sum("there"), ID: there.ID},
		{SHA256: sum("in the trash"), ID: inTrash.ID, Trashed: true},
		{SHA256: sum("purged")},
		{SHA256: sum("expected"), ID: expected.ID},
		{SHA256: sum("failed")},
		{SHA256: sum("there"), ID: there.ID},
	}
	if diff := cmp.Diff(want, w.known("new", "there", "in the trash", "purged", "expected", "failed", "there")); diff != "" {
		t.Errorf("Known (-want +got):\n%s", diff)
	}
	stranger := w.as(identity.Owner(string(w.owner) + "-2"))
	if diff := cmp.Diff([]catalogapi.KnownResult{{SHA256: sum("there")}}, stranger.known("there")); diff != "" {
		t.Errorf("another owner is told of an image that is not theirs (-want +got):\n%s", diff)
	}
	if got := w.since(cursor); len(got) > 0 {
		t.Errorf("asking changed %v", got)
	}
}

func testKnownRefuses(t *testing.T, w *world) {
	for name, bad := range map[string]string{
		"empty": "", "short": sum("a")[1:], "long": sum("a") + "0", "upper case": strings.ToUpper(sum("a")), "other": strings.Repeat("g", 64),
	} {
		_, err := w.Catalog.Known(w.ctx, catalogapi.KnownRequest{SHA256s: []string{sum("good"), bad}})
		w.fails(err, fault.Invalid, "validation_failed")
		if fields := fault.Public(err).Fields; len(fields) != 1 || fields[0].Pointer != "/sha256s/1" {
			t.Errorf("%s: a wrong sha256 is pointed out as %+v", name, fields)
		}
	}
	many := make([]string, catalogapi.MaxKnown+1)
	for i := range many {
		many[i] = fmt.Sprint("many ", i)
	}
	for _, n := range []int{0, catalogapi.MaxKnown - 1, catalogapi.MaxKnown} {
		if got := w.known(many[:n]...); len(got) != n {
			t.Errorf("%d results for %d contents", len(got), n)
		}
	}
	req := catalogapi.KnownRequest{}
	for _, content := range many {
		req.SHA256s = append(req.SHA256s, sum(content))
	}
	_, err := w.Catalog.Known(w.ctx, req)
	w.fails(err, fault.Invalid, "validation_failed")
}
