package ingest_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// took plans a file that somebody knows something of, sends it, and gives the
// image that comes of it.
func (w *world) took(f ingest.Planned, content string) contract.Manifest {
	w.t.Helper()
	f.Size, f.SHA256 = int64(len(content)), checksum(content)
	o := w.plan(owner, f)[0]
	if o.Err != nil {
		w.t.Fatal(o.Err)
	}
	w.finish(o, content)
	m, err := w.Process(w.t.Context(), w.sessions.Opened(o.URL).Key)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func TestWhatIsGivenCountsWhereTheFileIsSilent(t *testing.T) {
	w := withSessions(t)
	taken, seoul := time.Date(2011, 5, 6, 7, 8, 9, 0, time.UTC), contract.Place{Latitude: 37.5665, Longitude: -126.978}
	f := ingest.Planned{Name: "a.jpg", Given: ingest.Given{TakenAt: &taken, Caption: "At the river,\n50% of us — 한강", Place: &seoul}}

	bare := w.took(f, picture("bare"))
	if bare.TakenAt == nil || !bare.TakenAt.Equal(taken) || bare.Caption != f.Given.Caption || !cmp.Equal(bare.Place, &seoul) {
		t.Errorf("of a file that says nothing: %v, %q, %v", bare.TakenAt, bare.Caption, bare.Place)
	}
	own := w.took(f, picture("one"))
	if !own.TakenAt.Equal(epoch.Add(-time.Hour)) || own.Caption != f.Given.Caption || own.Camera.Model != "Box" {
		t.Errorf("of a file that has its date: %v, %q", own.TakenAt, own.Caption)
	}
}

func TestWhatIsGivenAndMakesNoSenseIsLeftOut(t *testing.T) {
	w := withSessions(t)
	for name, c := range map[string]struct {
		at    time.Time
		place contract.Place
		keep  bool
	}{
		"a day ahead, at a pole":    {epoch.Add(24*time.Hour - time.Second), contract.Place{Latitude: -90, Longitude: 180}, true},
		"on the equator":            {time.Date(1826, 1, 1, 0, 0, 0, 0, time.UTC), contract.Place{Longitude: 6.6}, true},
		"tomorrow, beyond a pole":   {epoch.Add(24 * time.Hour), contract.Place{Latitude: 90.000001, Longitude: 1}, false},
		"before photography, 0 0":   {time.Date(1825, 12, 31, 0, 0, 0, 0, time.UTC), contract.Place{}, false},
		"long ago, round the world": {time.Time{}, contract.Place{Latitude: 1, Longitude: 180.000001}, false},
		"no number":                 {time.Time{}, contract.Place{Latitude: math.NaN(), Longitude: 1}, false},
	} {
		m := w.took(ingest.Planned{Name: "a.jpg", Given: ingest.Given{TakenAt: &c.at, Place: &c.place}}, picture("bare"))
		if (m.TakenAt != nil) != c.keep || (m.Place != nil) != c.keep {
			t.Errorf("%s: %v, %v; kept: %v", name, m.TakenAt, m.Place, c.keep)
		}
	}
}

func TestGivenCaptionLimits(t *testing.T) {
	w := withSessions(t)
	for length, want := range map[int]int{1999: 1999, 2000: 2000, 2001: 2000} {
		m := w.took(ingest.Planned{Name: "a.jpg", Given: ingest.Given{Caption: strings.Repeat("x", length)}}, picture("bare"))
		if len(m.Caption) != want {
			t.Errorf("a caption of %d characters: %d are kept, want %d", length, len(m.Caption), want)
		}
	}
	if m := w.took(ingest.Planned{Name: "a.jpg", Given: ingest.Given{Caption: " a\x00\u202eb\r\nc\xff "}}, picture("bare")); m.Caption != "ab\nc\uFFFD" {
		t.Errorf("a hostile caption is kept as %q", m.Caption)
	}
}

// The longest of everything has room in an original's metadata; the caption gives
// way, by whole characters.
func TestGivenFitsBesideTheLongestNameAndAlbum(t *testing.T) {
	w := withSessions(t)
	at, place := time.Date(2011, 5, 6, 7, 8, 9, 123456789, time.UTC), contract.Place{Latitude: -37.123456, Longitude: -126.123456}
	album := strings.Repeat(strings.Repeat("한", 85)+"/", 4)
	for _, r := range []string{"x", "한", "🙂", "\n"} {
		f := ingest.Planned{
			Name: strings.Repeat("한", 85), Album: album[:len(album)-1], ModifiedAt: &at, Size: math.MaxInt32 / 16, SHA256: checksum("x"),
			Given: ingest.Given{TakenAt: &at, Place: &place, Caption: "a" + strings.Repeat(r, ingest.MaxGivenCaption-2) + "z"},
		}
		o := w.plan(owner, f)[0]
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		total := 0
		for name, value := range w.sessions.Opened(o.URL).Options.Metadata {
			total += len(name) + len(value)
		}
		if total > blob.MaxMetadataBytes {
			t.Errorf("%q: %d bytes of metadata, more than %d", r, total, blob.MaxMetadataBytes)
		}
		m := w.took(f, picture("bare"))
		if n := len([]rune(m.Caption)); n < 300 && r != "\n" || strings.Trim(m.Caption, "az\n"+r) != "" || len(m.Album) < 1000 {
			t.Errorf("%q: %d characters of the caption are left, %d bytes of the album", r, n, len(m.Album))
		}
	}
}
