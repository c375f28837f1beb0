package goimaging

import (
	"bytes"
	"testing"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// film is a video in outline, which is all that is looked at.
func film(brand string) []byte {
	return join(boxOf("ftyp", []byte(brand), zeros(8)), boxOf("mdat", bytes.Repeat([]byte("ftypnone"), 9000)), boxOf("moov", zeros(500)))
}

// TestMotionIsFound behind the picture, whoever's telephone wrote it.
func TestMotionIsFound(t *testing.T) {
	still, video := encodeJPEG(t, scene(40, 30), 80), film("mp42")
	samsung := join(zeros(40000), []byte("MotionPhoto_Data"))
	for name, tc := range map[string]struct {
		file []byte
		want ingest.Motion
	}{
		"Google":                   {join(still, video), ingest.Motion{Offset: int64(len(still)), Length: int64(len(video)), ContentType: "video/mp4"}},
		"behind a gain map":        {join(still, still, video), ingest.Motion{Offset: int64(2 * len(still)), Length: int64(len(video)), ContentType: "video/mp4"}},
		"Samsung":                  {join(still, samsung, video, []byte("SEFHabcdSEFT")), ingest.Motion{Offset: int64(len(still) + len(samsung)), Length: int64(len(video)), ContentType: "video/mp4"}},
		"QuickTime":                {join(still, film("qt  ")), ingest.Motion{Offset: int64(len(still)), Length: int64(len(video)), ContentType: "video/quicktime"}},
		"behind 99 that are none":  {join(still, bytes.Repeat([]byte("0000ftyp"), 99), video), ingest.Motion{Offset: int64(len(still) + 8*99), Length: int64(len(video)), ContentType: "video/mp4"}},
		"behind 100 that are none": {join(still, bytes.Repeat([]byte("0000ftyp"), 100), video), ingest.Motion{}},
		"no film":                  {join(still, []byte("PK\x03\x04 ftyp and more")), ingest.Motion{}},
		"a film cut off":           {join(still, video[:len(video)-1]), ingest.Motion{}},
		"a picture, not a film":    {join(still, boxOf("ftyp", []byte("heic"), zeros(4)), boxOf("moov", zeros(9))), ingest.Motion{}},
	} {
		p := mustProbe(t, tc.file)
		if p.Motion != tc.want {
			t.Errorf("%s: %+v, want %+v", name, p.Motion, tc.want)
		}
		d := mustDerive(t, tc.file, standardSpecs...)
		if bytes.Contains(d.Renditions[0].Data, []byte("ftyp")) {
			t.Errorf("%s: the film is in a rendition", name)
		}
	}
	heic := fixture(t, "patches.heic")
	want := ingest.Motion{Offset: int64(len(heic) + 8), Length: int64(len(video)), ContentType: "video/mp4"}
	if p := mustProbe(t, join(heic, boxOf("mpvd", video))); p.Motion != want {
		t.Errorf("in HEIC: %+v, want %+v", p.Motion, want)
	}
}
