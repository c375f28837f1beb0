package imagemetadata

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/bep/imagemeta"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// The limits of what people wrote about a picture, in characters. IPTC allows a
// caption of 2000.
const (
	maxCaption  = 2000
	maxKeywords = 100
	maxKeyword  = 100
)

// The XMP namespaces that are read.
const (
	nsXMP       = "http://ns.adobe.com/xap/1.0/"
	nsDC        = "http://purl.org/dc/elements/1.1/"
	nsMicrosoft = "http://ns.microsoft.com/photo/1.0/"
)

// texts are the values that XMP and IPTC data hold, by source and name.
type texts map[string][]string

// textNames are the tags that are read, by namespace and imagemeta's name.
var textNames = map[string]string{
	nsDC + " Description": "xmp caption", nsDC + " Subject": "xmp keywords",
	nsXMP + " Rating": "xmp rating", nsMicrosoft + " Rating": "microsoft rating",
	"IPTCApplication Caption-Abstract": "iptc caption", "IPTCApplication Keywords": "iptc keywords",
}

// readTexts reads XMP and IPTC data, each out of the smallest file that holds it:
// what its blocks are, and in a TIFF, where IPTC data has no other form, the file
// itself. It gives what came before an error, too.
func (b blocks) readTexts(ctx context.Context, src ingest.Source, format string) (texts, error) {
	found := texts{}
	var failed [3]error
	b.xmp, failed[0] = b.packet(src, format)
	if len(b.xmp) > 0 || len(b.iptc) > 0 {
		failed[1] = found.read(ctx, bytes.NewReader(asJPEG(b)), imagemeta.JPEG, imagemeta.XMP|imagemeta.IPTC)
	}
	if format == "tiff" {
		failed[2] = found.read(ctx, io.NewSectionReader(src, 0, src.Size), imagemeta.TIFF, imagemeta.IPTC)
	}
	return found, errors.Join(failed[:]...)
}

// packet is the XMP data: the block that was found, or the first that a TIFF or a
// HEIF names in its tables. What is greater than maxTextsBytes is passed over.
func (b blocks) packet(src ingest.Source, format string) (packet []byte, err error) {
	in, ok := map[string]imagemeta.ImageFormat{"tiff": imagemeta.TIFF, "heif": imagemeta.HEIF}[format]
	if !ok {
		return b.xmp, nil
	}
	_, err = imagemeta.Decode(imagemeta.Options{
		R:           io.NewSectionReader(src, 0, src.Size),
		ImageFormat: in,
		Sources:     imagemeta.XMP,
		HandleXMP: func(r io.Reader) error {
			data, err := io.ReadAll(r)
			if packet == nil && len(data) <= maxTextsBytes {
				packet = data
			}
			return err
		},
	})
	return packet, err
}

// read adds what a file has of the wanted texts.
func (t texts) read(ctx context.Context, r io.ReadSeeker, format imagemeta.ImageFormat, sources imagemeta.Source) error {
	_, err := imagemeta.Decode(imagemeta.Options{
		R:           r,
		ImageFormat: format,
		Sources:     sources,
		ShouldHandleTag: func(info imagemeta.TagInfo) bool {
			return textNames[info.Namespace+" "+info.Tag] != ""
		},
		HandleTag: func(info imagemeta.TagInfo) error {
			name := textNames[info.Namespace+" "+info.Tag]
			switch v := info.Value.(type) {
			case string:
				t[name] = append(t[name], v)
			case []string:
				t[name] = append(t[name], v...)
			}
			return ctx.Err()
		},
		LimitNumTags: maxTags,
		LimitTagSize: maxTextsBytes,
	})
	return err
}

// asJPEG is a JPEG without a picture.
func asJPEG(b blocks) []byte {
	const markerAPP1, markerAPP13 = 0xe1, 0xed
	out := []byte{0xff, 0xd8}
	add := func(marker byte, prefix string, data []byte) {
		if len(data) > 0 {
			out = binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(2+len(prefix)+len(data))) //nolint:gosec // at most maxTextsBytes
			out = append(append(out, prefix...), data...)
		}
	}
	add(markerAPP1, xmpPrefix, b.xmp)
	add(markerAPP13, "", b.iptc)
	return append(out, 0xff, 0xd9)
}

// fromCameras are descriptions that nobody wrote.
var fromCameras = []string{"OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM", "SAMSUNG", "MINOLTA DIGITAL CAMERA", "KONICA MINOLTA DIGITAL CAMERA"}

// add puts the texts into m. XMP, which programs of today write, comes before
// IPTC, and that before EXIF; keywords are those of one of them.
func (t texts) add(m *ingest.Metadata, exif tags) {
	captions := slices.Concat(t["xmp caption"], t["iptc caption"])
	if description, _ := exif["ImageDescription"].(string); !slices.Contains(fromCameras, strings.TrimSpace(description)) {
		captions = append(captions, description)
	}
	for _, c := range captions {
		if m.Caption = prose(c); m.Caption != "" {
			break
		}
	}
	if m.Keywords = keywords(t["xmp keywords"]); len(m.Keywords) == 0 {
		m.Keywords = keywords(t["iptc keywords"])
	}
	m.Rating = t.rating(exif)
}

// keywords are those that can be shown, each once.
func keywords(all []string) (out []string) {
	for _, k := range all {
		if k = line(k, maxKeyword); k != "" && !slices.Contains(out, k) && len(out) < maxKeywords {
			out = append(out, k)
		}
	}
	return out
}

// prose is a text of several lines that can be shown.
func prose(s string) string {
	var lines []string
	for l := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)) {
		lines = append(lines, line(l, maxCaption))
	}
	runes := []rune(strings.TrimSpace(strings.Join(lines, "\n")))
	return strings.TrimSpace(string(runes[:min(len(runes), maxCaption)]))
}

// rating is 1 to 5, and 0 for none. Microsoft's is of a hundred.
func (t texts) rating(exif tags) int {
	for _, s := range t["xmp rating"] {
		if v, err := strconv.ParseFloat(s, 64); err == nil && v >= 1 && v <= 5 {
			return int(v)
		}
	}
	for _, s := range t["microsoft rating"] {
		if v, err := strconv.Atoi(s); err == nil && v >= 1 && v <= 99 {
			return 1 + (v+12)/25
		}
	}
	if v := exif.number("Rating"); v >= 1 && v <= 5 {
		return int(v)
	}
	return 0
}
