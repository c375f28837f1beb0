package acceptance

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
)

// hostileContents are files that are not what they seem.
var hostileContents = []hostileRow{
	{"U01_TextUnderAnImagesName", textAsImage},
	{"U02_DeclaredTypesAreIgnored", declaredTypes},
	{"U03_OtherKindsOfFiles", otherKinds},
	{"U05_Polyglots", polyglots},
	{"U06_Empty", func(t *testing.T, v *victim) { v.refused(t, nil, "422 file_empty") }},
	{"U07_HardlyAnything", hardlyAnything},
	{"U08_Truncated", truncated},
	{"U09_CorruptPNG", corruptPNG},
	{"U18_NoSizeAndExtremeRatios", extremeSizes},
	{"U20_Orientation", orientations},
	{"U21_MetadataStaysInTheOriginal", metadataStays},
}

func textAsImage(t *testing.T, v *victim) {
	const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	r := v.refused(t, []byte(eicar), "415 unsupported_media_type")
	if !strings.Contains(r.Problem.Detail, "text/plain") {
		t.Errorf("the detail %q does not say what it is", r.Problem.Detail)
	}
}

// kinds are the formats that are taken, each new.
func kinds(t *testing.T, v *victim) map[string][]byte {
	v.seed++
	return map[string][]byte{
		"image/jpeg": v.fresh(t), "image/png": smallPNG(t, v.seed), "image/gif": smallGIF(t, fmt.Sprint(v.seed)),
	}
}

// declaredTypes: the name and the type that a client gives decide nothing.
func declaredTypes(t *testing.T, v *victim) {
	for _, declared := range []string{"", "\r\nContent-Type: image/png", "\r\nContent-Type: text/html", "\r\nContent-Type: image/svg+xml"} {
		for kind, data := range kinds(t, v) {
			img := v.stored(t, part{upload("a.jpg", nil).header + declared, data})
			served := v.get(t, img.OriginalURL)
			if got := served.header.Get("Content-Type"); img.ContentType != kind || got != kind || !bytes.Equal(served.body, data) {
				t.Errorf("%s declared as %q is listed as %s and served as %s", kind, declared, img.ContentType, got)
			}
			v.call(t, http.MethodDelete, "/api/v1/images/"+img.ID, http.StatusOK)
			v.call(t, http.MethodPost, "/api/v1/images/"+img.ID+"/restore", http.StatusOK)
		}
	}
	img := v.stored(t, upload("a.gif", smallWebP(t)))
	if img.ContentType != "image/webp" {
		t.Errorf("a WebP is listed as %s", img.ContentType)
	}
}

func otherKinds(t *testing.T, v *victim) {
	for name, data := range map[string]string{
		"svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "svgz": "\x1f\x8b\x08\x00rest", "html": "<html><script>",
		"pdf": "%PDF-1.7", "mp4": "\x00\x00\x00\x18ftypisom", "zip": "PK\x03\x04rest", "psd": "8BPS\x00\x01", "ico": "\x00\x00\x01\x00\x01\x00",
	} {
		p := part{upload("a."+name, nil).header + "\r\nContent-Type: image/jpeg", []byte(data)}
		if status, said, _ := v.send(t, p); status != http.StatusUnprocessableEntity || said[0] != "415 unsupported_media_type" {
			t.Errorf("%s was answered with %d %v", name, status, said)
		}
	}
}

// polyglots: what is hidden in a picture is in none of its renditions, and the
// original is served as nothing but a picture.
func polyglots(t *testing.T, v *victim) {
	const script = "<script>alert('polyglot')</script>"
	v.seed++
	for name, data := range map[string][]byte{
		"jpeg and zip": append(v.fresh(t), "PK\x03\x04"+script...),
		"jpeg comment": segment(v.fresh(t), 0xfe, []byte(script)),
		"jpeg app":     segment(v.fresh(t), 0xe7, []byte(script)),
		"png and html": append(smallPNG(t, v.seed), "<html>"+script...),
		"gif comment":  smallGIF(t, "/*"+script),
	} {
		img := v.stored(t, upload("a.html", data))
		for _, r := range img.Renditions {
			shown := v.get(t, r.URL)
			if bytes.Contains(shown.body, []byte("polyglot")) || !bytes.HasSuffix(shown.body, []byte("\xff\xd9")) {
				t.Errorf("%s: the rendition %s carries what is no picture", name, r.Name)
			}
			inert(t, name, shown)
		}
		original := v.get(t, img.OriginalURL)
		inert(t, name, original)
		if strings.HasSuffix(original.header.Get("Content-Disposition"), ".html") {
			t.Errorf("%s is offered as %q", name, original.header.Get("Content-Disposition"))
		}
		saved := v.get(t, img.OriginalURL+"?download=true")
		if !strings.HasPrefix(saved.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: a download is %q", name, saved.header.Get("Content-Disposition"))
		}
	}
}

// inert: served bytes never run as script (I7).
func inert(t *testing.T, what string, r response) {
	t.Helper()
	policy := r.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(r.header.Get("Content-Type"), "image/") || r.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") {
		t.Errorf("%s is served with %v", what, r.header)
	}
}

func hardlyAnything(t *testing.T, v *victim) {
	for _, data := range []string{"x", "\xff", "\xff\xd8", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF89a", "RIFF\x00\x00\x00\x00WEBP", "RIFF"} {
		v.refused(t, []byte(data), "422 image_corrupt")
	}
}

// truncated: one rule for every format: what is cut off is refused.
func truncated(t *testing.T, v *victim) {
	whole := kinds(t, v)
	whole["image/webp"] = smallWebP(t)
	for _, data := range whole {
		for _, percent := range []int{25, 50, 75, 99} {
			v.refused(t, data[:len(data)*percent/100], "422 image_corrupt")
		}
	}
}

func corruptPNG(t *testing.T, v *victim) {
	whole := string(smallPNG(t, 1))
	for _, data := range []string{
		whole[:29] + "\x00\x00\x00\x00" + whole[33:],                       // the header's checksum
		whole[:len(whole)-16] + "\x00\x00\x00\x00" + whole[len(whole)-12:], // the data's
		string(zeroPNG(8, 8, 8, 7, 8)), string(zeroPNG(8, 8, 99, 2, 8)),    // colour type, depth
		whole[:8] + whole[33:],                                                // no header
		whole[:33] + pngChunk("IEND", ""), string(zeroPNG(60, 4000, 8, 2, 0)), // no data, not enough
		whole[:33] + pngChunk("IDAT", "not deflated data") + pngChunk("IEND", ""),
	} {
		v.refused(t, []byte(data), "422 image_corrupt")
	}
	v.refused(t, []byte("\x89PNG\n\n\x1a\n"+whole[8:]), "415 unsupported_media_type") // no longer begins as a PNG
}

func extremeSizes(t *testing.T, v *victim) {
	v.refused(t, zeroPNG(0, 8, 8, 2, 0), "422 image_corrupt")
	v.refused(t, resized(v.fresh(t), 16, 0), "422 image_corrupt")
	v.refused(t, gifOf(0, 0, 0, 0, 1), "422 image_corrupt")
	for _, size := range []image.Point{{1, 1}, {1, 65535}, {65535, 1}} {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, image.NewGray(image.Rectangle{Max: size}), nil); err != nil {
			t.Fatal(err)
		}
		img := v.stored(t, upload("a.jpg", out.Bytes()))
		if img.Width != size.X || img.Height != size.Y || len(img.Renditions) == 0 {
			t.Errorf("%v is listed as %+v", size, img)
		}
		for _, r := range img.Renditions {
			if got, _, err := image.DecodeConfig(bytes.NewReader(v.get(t, r.URL).body)); err != nil || got.Width < 1 || got.Height < 1 {
				t.Errorf("%v: rendition %+v is %+v, %v", size, r, got, err)
			}
		}
	}
}

// redAt is where the red quarter of a photograph is shown when a camera wrote
// it turned: whether it is right, and whether it is below.
var redAt = map[uint16][2]bool{1: {}, 2: {true, false}, 3: {true, true}, 4: {false, true}, 5: {}, 6: {true, false}, 7: {true, true}, 8: {false, true}, 9: {}, 65535: {}}

func orientations(t *testing.T, v *victim) {
	for orientation, want := range redAt {
		v.seed++
		img := v.stored(t, upload("a.jpg", photo(t, v.seed, shot{width: 400, height: 240, orientation: orientation}).data))
		w, h := 400, 240
		if orientation >= 5 && orientation <= 8 {
			w, h = h, w
		}
		if img.Width != w || img.Height != h {
			t.Errorf("orientation %d: %dx%d, not %dx%d", orientation, img.Width, img.Height, w, h)
		}
		for _, r := range img.Renditions {
			pixels, err := jpeg.Decode(bytes.NewReader(v.get(t, r.URL).body))
			if err != nil {
				t.Fatal(err)
			}
			if got := reddest(pixels); got != want {
				t.Errorf("orientation %d, %s: red is right: %v, below: %v", orientation, r.Name, got[0], got[1])
			}
		}
	}
}

// reddest says in which quarter of img the middle is the reddest: right, below.
func reddest(img image.Image) [2]bool {
	size, best, most := img.Bounds().Size(), [2]bool{}, -1<<30
	for _, at := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		x, y := size.X/4, size.Y/4
		if at[0] {
			x = size.X * 3 / 4
		}
		if at[1] {
			y = size.Y * 3 / 4
		}
		r, g, b, _ := img.At(x, y).RGBA()
		if redness := 2*int(r) - int(g) - int(b); redness > most {
			best, most = at, redness
		}
	}
	return best
}

// metadataStays: what a camera noted about people and places is in the original
// only.
func metadataStays(t *testing.T, v *victim) {
	data := v.fresh(t)
	for marker, note := range map[byte]string{
		0xe1: "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>GPS SECRET owner</x:xmpmeta>",
		0xed: "Photoshop 3.0\x008BIM SECRET owner", 0xfe: "SECRET comment", 0xeb: "JP\x00\x01 c2pa SECRET",
	} {
		data = segment(data, marker, []byte(note))
	}
	thumbnail := append([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00 SECRET"), v.fresh(t)...)
	img := v.stored(t, upload("a.jpg", segment(data, 0xe1, thumbnail)))
	for _, r := range img.Renditions {
		shown := v.get(t, r.URL).body
		for _, secret := range []string{"SECRET", "Exif", "xmpmeta", "Photoshop", "c2pa"} {
			if bytes.Contains(shown, []byte(secret)) {
				t.Errorf("the rendition %s carries %q", r.Name, secret)
			}
		}
	}
}
