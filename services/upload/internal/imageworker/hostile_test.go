package imageworker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// The lengths that a frame declares are believed up to the limit and no further.
func TestFramesAreBounded(t *testing.T) {
	const most = 1000
	frame := func(head, body int) io.Reader {
		prefix := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(head)), uint32(body))
		text := `"` + strings.Repeat("x", head-2) + `"`
		return io.MultiReader(bytes.NewReader(prefix), strings.NewReader(text), bytes.NewReader(make([]byte, body)))
	}
	for _, tc := range []struct {
		head, body int
		fine       bool
	}{
		{maxHeadBytes - 1, most - 1, true},
		{maxHeadBytes, most, true},
		{maxHeadBytes + 1, most, false},
		{maxHeadBytes, most + 1, false},
	} {
		var head string
		body, err := readFrame(frame(tc.head, tc.body), &head, most)
		if tc.fine && (err != nil || len(body) != tc.body || len(head) != tc.head-2) || !tc.fine && !errors.Is(err, errGarbage) {
			t.Errorf("a head of %d and a body of %d: %d bytes, %v", tc.head, tc.body, len(body), err)
		}
	}
	if err := writeFrame(io.Discard, strings.Repeat("x", maxHeadBytes)); err == nil {
		t.Error("a head is written that nobody reads")
	}
}

// What a worker says of an error is taken over only as far as it is known.
func TestFailuresKeepNothingUnknown(t *testing.T) {
	for kind := range 256 {
		f := failure{Kind: fault.Kind(kind), Code: strings.Repeat("c", 1000), Detail: strings.Repeat("d", 10000), Cause: "why"}
		err := f.fault("test")
		public := fault.Public(err)
		if len(public.Code) > maxCodeBytes || len(public.Detail) > maxDetailBytes {
			t.Errorf("%d: %d and %d bytes", kind, len(public.Code), len(public.Detail))
		}
		if kind >= len(fault.Kinds()) && fault.KindOf(err) != fault.Internal {
			t.Errorf("%d: %v", kind, fault.KindOf(err))
		}
	}
}

// FuzzAnswer reads whatever a worker may send. What passes is what was asked
// for.
func FuzzAnswer(f *testing.F) {
	fine := response{Derived: ingest.Derived{Width: 4, Height: 3, Renditions: []ingest.Rendition{
		{Name: "w320", Width: 4, Height: 3, ContentType: "image/jpeg", Extension: ".jpg", Data: []byte("picture")},
	}}}
	var whole bytes.Buffer
	body := fine.join()
	if err := writeFrame(&whole, fine, body...); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add([]byte("\x00\x00\x00\x02\x00\x00\x00\x00{}"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var resp response
		body, err := readFrame(bytes.NewReader(data), &resp, bodyLimit(imagertest.Specs))
		if err == nil {
			err = resp.check(request{Call: callDerive, Specs: imagertest.Specs}, body)
		}
		if err != nil || resp.Failure != nil {
			return
		}
		total := 0
		for _, r := range resp.Derived.Renditions {
			total += len(r.Data)
			if !strings.HasPrefix(r.ContentType, "image/") || strings.Contains(r.ContentType, "svg+") || max(r.Width, r.Height) > 2048 {
				t.Errorf("%+v passes", r)
			}
		}
		if total != len(body) || len(resp.Derived.Renditions) > len(imagertest.Specs) {
			t.Errorf("%d of %d bytes in %d renditions", total, len(body), len(resp.Derived.Renditions))
		}
	})
}

// What a worker says of an image goes into names and headers: it is held to what
// those may be.
func TestProbesAreChecked(t *testing.T) {
	fine := ingest.Probe{Format: "jpeg", ContentType: "image/jpeg", Extension: ".jpg", Width: 4, Height: 3, Orientation: 1, Frames: 1, MemoryBytes: 1}
	fine.Motion = ingest.Motion{Offset: 4, Length: 6, ContentType: "video/mp4"}
	const size = 10
	if err := checkProbe(fine, size); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*ingest.Probe){
		"a page":               func(p *ingest.Probe) { p.ContentType = "text/html" },
		"a picture of scripts": func(p *ingest.Probe) { p.ContentType = "image/svg+xml" },
		"two headers":          func(p *ingest.Probe) { p.ContentType = "image/jpeg\r\nSet-Cookie: a=b" },
		"another folder":       func(p *ingest.Probe) { p.Extension = "./../../manifests/x" },
		"a negative width":     func(p *ingest.Probe) { p.Width = -1 },
		"a turn of its own":    func(p *ingest.Probe) { p.Orientation = 9 },
		"memory that is given": func(p *ingest.Probe) { p.MemoryBytes = -1 << 40 },
		"a long format":        func(p *ingest.Probe) { p.Format = strings.Repeat("x", 100) },
		"a film before it":     func(p *ingest.Probe) { p.Motion.Offset = -1 },
		"a film beyond it":     func(p *ingest.Probe) { p.Motion.Length = 7 },
		"a film without end":   func(p *ingest.Probe) { p.Motion.Length = math.MaxInt64 },
		"a film of nothing":    func(p *ingest.Probe) { p.Motion.Length = -1 },
		"a film of scripts":    func(p *ingest.Probe) { p.Motion.ContentType = "text/html" },
	} {
		p := fine
		change(&p)
		if err := checkProbe(p, size); !errors.Is(err, errGarbage) {
			t.Errorf("%s passes: %v", name, err)
		}
	}
}

// What a worker says of the metadata is kept with the image: it is held to what
// any file may say.
func TestMetadataIsChecked(t *testing.T) {
	long := strings.Repeat("사", 2001)
	for name, tc := range map[string]struct {
		metadata ingest.Metadata
		fine     bool
	}{
		"nothing": {ingest.Metadata{}, true},
		"the most": {ingest.Metadata{
			TakenAt: new(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)), TakenOffset: new(14 * 60),
			Camera: contract.Camera{Model: long[:300]}, Place: &contract.Place{Latitude: -90, Longitude: 180},
			Caption: long[:6000], Keywords: slices.Repeat([]string{long[:300]}, 100), Rating: 5, Warnings: slices.Repeat([]string{"metadata_unreadable"}, 8),
		}, true},
		"a long caption":       {ingest.Metadata{Caption: long}, false},
		"a long keyword":       {ingest.Metadata{Keywords: []string{long[:303]}}, false},
		"many keywords":        {ingest.Metadata{Keywords: make([]string, 101)}, false},
		"a long model":         {ingest.Metadata{Camera: contract.Camera{Model: long[:303]}}, false},
		"a long lens":          {ingest.Metadata{Camera: contract.Camera{Lens: long[:303]}}, false},
		"many warnings":        {ingest.Metadata{Warnings: make([]string, 9)}, false},
		"a long warning":       {ingest.Metadata{Warnings: []string{long[:300]}}, false},
		"too good":             {ingest.Metadata{Rating: 6}, false},
		"too bad":              {ingest.Metadata{Rating: -1}, false},
		"no place on earth":    {ingest.Metadata{Place: &contract.Place{Latitude: 91}}, false},
		"beyond all calendars": {ingest.Metadata{TakenAt: new(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, false},
		"no clock on earth":    {ingest.Metadata{TakenOffset: new(24 * 60)}, false},
	} {
		r := response{Metadata: tc.metadata}
		if err := r.check(request{Call: callRead}, nil); (err == nil) != tc.fine || err != nil && !errors.Is(err, errGarbage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
