package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

func TestU01_TextUnderAnImagesName(t *testing.T) {
	s := newServer(t)
	r := s.post(part{`Content-Disposition: form-data; name="f"; filename="a.jpg"` + "\r\nContent-Type: image/jpeg", eicar})
	r.expect(t, 422, "415 unsupported_media_type")
	if detail := r.results[0].Problem.Detail; !strings.Contains(detail, "text/plain") {
		t.Errorf("the detail is %q, want it to name text/plain", detail)
	}
	s.empty()
}

// What is stored and said is what was found, not what was declared.
func TestU02_DeclaredTypesAreIgnored(t *testing.T) {
	s := newServer(t)
	for typ, content := range formats(t) {
		for _, declared := range []string{"", "\r\nContent-Type: image/png", "\r\nContent-Type: text/html", "\r\nContent-Type: ;;"} {
			r := s.post(part{`Content-Disposition: form-data; name="f"; filename="a.jpg"` + declared, content})
			r.expect(t, 201, uploadapi.StatusStored)
			if got := r.results[0].Stored; got == nil || got.ContentType != typ || s.manifest(r.results[0].ID).ContentType != typ {
				t.Errorf("%s declared as %q was stored as %+v", typ, declared, got)
			}
		}
	}
}

func TestU03_OtherKindsOfFiles(t *testing.T) {
	s := newServer(t)
	for name, content := range map[string]string{
		"svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "svgz": "\x1f\x8b\x08\x00rest", "html": "<html><script>",
		"pdf": "%PDF-1.7", "mp4": "\x00\x00\x00\x18ftypisom", "zip": "PK\x03\x04rest", "psd": "8BPS\x00\x01", "ico": "\x00\x00\x01\x00\x01\x00",
	} {
		r := s.post(part{`Content-Disposition: form-data; name="f"; filename="a.` + name + `"` + "\r\nContent-Type: image/jpeg", content})
		r.expect(t, 422, "415 unsupported_media_type")
	}
	s.empty()
}

// U05: what is hidden in a picture is in none of its renditions.
func TestU05_Polyglots(t *testing.T) {
	const script = "<script>alert('polyglot')</script>"
	img := corners(64, 48)
	s := newServer(t)
	for name, content := range map[string]string{
		"jpeg and zip":    jpegOf(t, img) + "PK\x03\x04" + script,
		"jpeg comment":    afterSOI(jpegOf(t, img), jpegMarker(0xfe, script)),
		"jpeg app":        afterSOI(jpegOf(t, img), jpegMarker(0xe7, script)),
		"png and html":    pngOf(t, img) + "<html>" + script,
		"gif and comment": strings.Replace(gifOf(t, img), ",\x00\x00\x00\x00", "!\xfe\x22"+script+"\x00,\x00\x00\x00\x00", 1),
	} {
		if !strings.Contains(content, script) {
			t.Fatalf("%s holds no script", name)
		}
		r := s.post(filePart("a.jpg", content))
		r.expect(t, 201, uploadapi.StatusStored)
		for _, rendition := range s.manifest(r.results[0].ID).Renditions {
			data := s.bucket.Data(rendition.Key)
			if bytes.Contains(data, []byte("polyglot")) || !bytes.HasSuffix(data, []byte("\xff\xd9")) {
				t.Errorf("%s: the rendition %s carries what is no picture", name, rendition.Name)
			}
		}
	}
}

func TestU06_EmptyFile(t *testing.T) {
	s := newServer(t)
	s.post(filePart("a.jpg", "")).expect(t, 422, "422 file_empty")
	s.empty()
}

func TestU07_HardlyAnything(t *testing.T) {
	s := newServer(t)
	for _, content := range []string{"x", "\xff", "\xff\xd8", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF89a", "RIFF\x00\x00\x00\x00WEBP", "RIFF"} {
		s.post(filePart("a.jpg", content)).expect(t, 422, "422 image_corrupt")
	}
	s.empty()
}

// U08: one rule for every format: what is cut off is refused.
func TestU08_Truncated(t *testing.T) {
	s := newServer(t)
	for typ, content := range formats(t) {
		for _, percent := range []int{25, 50, 75, 99} {
			r := s.post(filePart("a", content[:len(content)*percent/100]))
			if r.expect(t, 422, "422 image_corrupt"); t.Failed() {
				t.Fatalf("%s cut at %d %%", typ, percent)
			}
		}
	}
	s.empty()
}

func TestU09_CorruptPNG(t *testing.T) {
	whole := pngOf(t, corners(8, 8))
	body := whole[8:]
	s := newServer(t)
	for name, content := range map[string]string{
		"header checksum": whole[:29] + "\x00\x00\x00\x00" + whole[33:],
		"data checksum":   whole[:len(whole)-16] + "\x00\x00\x00\x00" + whole[len(whole)-12:],
		"colour type":     pngHeader(8, 8, 8, 7),
		"bit depth":       pngHeader(8, 8, 99, 2),
		"depth of colour": pngHeader(8, 8, 1, 2),
		"no header":       "\x89PNG\r\n\x1a\n" + body[25:],
		"no data":         whole[:33] + pngChunk("IEND", ""),
		"no picture":      pngHeader(8, 8, 8, 2),
		"line ends":       "\x89PNG\n\n\x1a\n" + body,
	} {
		want := "422 image_corrupt"
		if name == "line ends" {
			want = "415 unsupported_media_type" // it no longer begins as a PNG
		}
		if s.post(filePart("a.png", content)).expect(t, 422, want); t.Failed() {
			t.Fatal(name)
		}
	}
	s.empty()
}

// Bombs are refused by what their headers say.
func TestU11toU18_Bombs(t *testing.T) {
	small := jpegOf(t, corners(16, 16))
	s := newServer(t)
	for name, c := range map[string]struct{ content, want string }{
		"U11 pixels":           {pngHeader(30000, 30000, 1, 0), "422 image_too_large"},
		"U12 decoded bytes":    {pngHeader(7000, 7000, 16, 6), "422 image_too_large"},
		"U13 bmp":              {"BM" + le32(24000) + le32(0) + le32(54) + le32(40) + le32(3000000) + le32(2000000) + le32(1|24<<16) + strings.Repeat(le32(0), 6), "422 image_too_large"},
		"U13 tiff":             {tiffOf(3000000, 2000000), "422 image_too_large"},
		"U13 tiff, directory":  {"II*\x00\x08\x00\x00\x00\xff\xff", "422 image_corrupt"},
		"U18 no width, bmp":    {bmpOf(0, 8), "422 image_corrupt"},
		"U18 no height, tiff":  {tiffOf(8, 0), "422 image_corrupt"},
		"U14 frames":           {gifFrames(1, 1, 40000), "422 image_too_many_frames"},
		"U14 canvas":           {gifFrames(65535, 65535, 1), "422 image_too_large"},
		"U15 lossless":         {webpLossless(16383, 16383), "422 image_too_large"},
		"U16 frame header":     {withSize(small, 64250, 64250), "422 image_too_large"},
		"U17 scans":            {scans(2000), "422 image_too_complex"},
		"U18 no width, png":    {pngHeader(0, 8, 8, 2), "422 image_corrupt"},
		"U18 no height, jpeg":  {withSize(small, 16, 0), "422 image_corrupt"},
		"U18 no size, gif":     {strings.Replace(gifFrames(0, 0, 1), ","+le16(0)+le16(0)+le16(1)+le16(1), ","+le16(0)+le16(0)+le16(0)+le16(0), 1), "422 image_corrupt"},
		"U14 frame off canvas": {gifFrames(0, 0, 1), "422 image_corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			s.post(filePart("a", c.content)).expect(t, 422, c.want)
		})
	}
	s.empty()
}

func TestU18_ExtremeRatios(t *testing.T) {
	s := newServer(t)
	for _, size := range []image.Point{{1, 1}, {1, 65535}, {65535, 1}} {
		r := s.post(filePart("a.jpg", jpegOf(t, image.NewGray(image.Rectangle{Max: size}))))
		r.expect(t, 201, uploadapi.StatusStored)
		m := s.manifest(r.results[0].ID)
		if m.Width != size.X || m.Height != size.Y || len(m.Renditions) == 0 {
			t.Errorf("%v became %d x %d with %v", size, m.Width, m.Height, m.Renditions)
		}
		for _, rendition := range m.Renditions {
			if rendition.Width < 1 || rendition.Height < 1 {
				t.Errorf("the rendition %+v of %v has no pixel", rendition, size)
			}
		}
	}
}

// upright is where the quarters of corners are shown when a camera wrote them
// turned: for each orientation, the quarter that is to be seen at the top left
// and at the top right.
var upright = map[int][2]int{1: {0, 1}, 2: {1, 0}, 3: {2, 3}, 4: {3, 2}, 5: {0, 3}, 6: {3, 0}, 7: {2, 1}, 8: {1, 2}, 0: {0, 1}, 9: {0, 1}, 65535: {0, 1}}

func TestU20_Orientation(t *testing.T) {
	s := newServer(t)
	for orientation, want := range upright {
		r := s.post(filePart("a.jpg", afterSOI(jpegOf(t, corners(400, 240)), exif(orientation))))
		r.expect(t, 201, uploadapi.StatusStored)
		w, h := 400, 240
		if orientation >= 5 && orientation <= 8 {
			w, h = h, w
		}
		if got := r.results[0].Stored; got.Width != w || got.Height != h {
			t.Errorf("orientation %d: %d x %d, want %d x %d", orientation, got.Width, got.Height, w, h)
		}
		for _, rendition := range s.manifest(r.results[0].ID).Renditions {
			if got := topQuarters(t, s.bucket.Data(rendition.Key)); got != want {
				t.Errorf("orientation %d, %s: quarters %v at the top, want %v", orientation, rendition.Name, got, want)
			}
		}
	}
}

func topQuarters(t *testing.T, data []byte) [2]int {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Size()
	return [2]int{nearest(img.At(size.X/4, size.Y/4)), nearest(img.At(size.X*3/4, size.Y/4))}
}

func nearest(c color.Color) int {
	r, g, b, _ := c.RGBA()
	best, least := -1, 1<<30
	for i, q := range quarters {
		d := abs(int(r>>8)-int(q.R)) + abs(int(g>>8)-int(q.G)) + abs(int(b>>8)-int(q.B))
		if d < least {
			best, least = i, d
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

func TestU21_RenditionsCarryNoMetadata(t *testing.T) {
	s := newServer(t)
	thumbnail := jpegOf(t, corners(16, 16))
	r := s.post(filePart("a.jpg", afterSOI(jpegOf(t, corners(640, 400)), exif(1),
		jpegMarker(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>GPS owner</x:xmpmeta>"),
		jpegMarker(0xed, "Photoshop 3.0\x008BIM owner"), jpegMarker(0xe1, "Exif\x00\x00"+thumbnail), jpegMarker(0xfe, "comment"))))
	r.expect(t, 201, uploadapi.StatusStored)
	for _, rendition := range s.manifest(r.results[0].ID).Renditions {
		for _, secret := range []string{"Exif", "SECRET", "xmpmeta", "Photoshop", "owner", "comment"} {
			if bytes.Contains(s.bucket.Data(rendition.Key), []byte(secret)) {
				t.Errorf("the rendition %s carries %q", rendition.Name, secret)
			}
		}
	}
}

// Many files, one answer each, in the order sent; the original is what was sent.
func TestManyFiles(t *testing.T) {
	s := newServer(t)
	var parts []part
	var want []string
	for i := range 40 {
		content := jpegOf(t, corners(16+i, 16))
		if i%7 == 3 {
			parts, want = append(parts, filePart(fmt.Sprint(i), "text")), append(want, "415 unsupported_media_type")
			continue
		}
		parts, want = append(parts, filePart(fmt.Sprint(i), content)), append(want, uploadapi.StatusStored)
	}
	r := s.post(parts...)
	r.expect(t, 201, want...)
	for i, result := range r.results {
		if result.Name != fmt.Sprint(i) {
			t.Errorf("result %d is of %q", i, result.Name)
		}
		if result.Stored == nil {
			continue
		}
		sum := sha256.Sum256([]byte(parts[i].body))
		if result.Stored.SHA256 != hex.EncodeToString(sum[:]) || result.Stored.Width != 16+i || result.Stored.Size != int64(len(parts[i].body)) {
			t.Errorf("result %d is %+v", i, result.Stored)
		}
	}
	if n := len(s.bus.Events(contract.TypeImageUploaded)); n != 34 {
		t.Errorf("%d images were published, want 34", n)
	}
}
