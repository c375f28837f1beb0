package imagemetadata

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// xmp is an XMP packet with properties of a description.
func xmp(properties string) string {
	return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"` +
		` xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/">` + properties + `</rdf:Description></rdf:RDF></x:xmpmeta>`
}

func described(caption string, rating string, words ...string) string {
	return xmp(`<dc:description><rdf:Alt><rdf:li xml:lang="x-default">` + caption + `</rdf:li></rdf:Alt></dc:description>` +
		`<dc:subject><rdf:Bag><rdf:li>` + strings.Join(words, "</rdf:li><rdf:li>") + `</rdf:li></rdf:Bag></dc:subject>` + rating)
}

// iptc is Photoshop's block of IPTC records in UTF-8.
func iptc(caption string, words ...string) string {
	record := func(record, number byte, text string) string {
		return string(binary.BigEndian.AppendUint16([]byte{0x1c, record, number}, uint16(len(text)))) + text
	}
	data := record(1, 90, "\x1b%G") + record(2, 120, caption)
	for _, w := range words {
		data += record(2, 25, w)
	}
	size := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	return "Photoshop 3.0\x008BIM\x04\x04\x00\x00" + string(size) + data + strings.Repeat("\x00", len(data)%2)
}

func segmentOf(marker byte, body string) string {
	return string(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(body)))) + body
}

// withTexts is a JPEG, a PNG or a WebP with the packet.
func withTexts(format, packet string) []byte {
	switch format {
	case "png":
		body := xmpKeyword + packet
		return []byte("\x89PNG\r\n\x1a\n" + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + "iTXt" + body + "\x00\x00\x00\x00\x00\x00\x00\x00IEND")
	case "webp":
		return []byte("RIFF\x00\x00\x00\x00WEBPXMP " + string(binary.LittleEndian.AppendUint32(nil, uint32(len(packet)))) + packet)
	default:
		return []byte("\xff\xd8" + segmentOf(0xe1, xmpPrefix+packet) + "\xff\xd9")
	}
}

func TestTextsOfXMP(t *testing.T) {
	for _, format := range []string{"jpeg", "png", "webp"} {
		m := read(t, format, withTexts(format, described("첫눈\n second  line", "<xmp:Rating>4</xmp:Rating>", "겨울", "snow", "snow", " ")))
		if m.Caption != "첫눈\nsecond line" || !cmp.Equal(m.Keywords, []string{"겨울", "snow"}) || m.Rating != 4 || m.Warnings != nil {
			t.Errorf("%s: %+v", format, m)
		}
	}
}

// TIFF, most raw files and HEIF name the texts in tables.
func TestTextsInTables(t *testing.T) {
	packet := described("첫눈", "<xmp:Rating>4</xmp:Rating>", "겨울", "snow")
	records := strings.TrimPrefix(iptc("from IPTC", "i", "j"), "Photoshop 3.0\x008BIM\x04\x04\x00\x00")[4:]
	for name, tc := range map[string]struct {
		format         string
		file           []byte
		caption, words string
		rating         int
	}{
		"XMP in TIFF":        {"tiff", tiff(directory{0x02bc: packet}), "첫눈", "[겨울 snow]", 4},
		"IPTC in TIFF":       {"tiff", tiff(directory{0x83bb: records}), "from IPTC", "[i j]", 0},
		"both in TIFF":       {"tiff", tiff(directory{0x02bc: packet, 0x83bb: records}), "첫눈", "[겨울 snow]", 4},
		"XMP in HEIF":        {"heif", heifWith(packet), "첫눈", "[겨울 snow]", 4},
		"too large for HEIF": {"heif", heifWith(packet + strings.Repeat(" ", maxTextsBytes)), "", "[]", 0},
	} {
		m := read(t, tc.format, tc.file)
		if m.Caption != tc.caption || fmt.Sprint(m.Keywords) != tc.words || m.Rating != tc.rating || m.Warnings != nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// heifWith is a HEIF of nothing but an XMP packet.
func heifWith(packet string) []byte {
	be := binary.BigEndian
	box := func(kind string, parts ...string) string {
		body := strings.Join(parts, "")
		return string(be.AppendUint32(nil, uint32(8+len(body)))) + kind + body
	}
	const full = "\x00\x00\x00\x00" // version and flags
	types := box("ftyp", "heic\x00\x00\x00\x00heicmif1")
	item := box("infe", "\x02\x00\x00\x00", "\x00\x01\x00\x00", "mime", "\x00application/rdf+xml\x00")
	meta := func(offset int) string {
		place := string(be.AppendUint32(be.AppendUint32(nil, uint32(offset)), uint32(len(packet))))
		return box("meta", full, box("hdlr", full, "\x00\x00\x00\x00pict", strings.Repeat("\x00", 13)),
			box("iinf", full, "\x00\x01", item), box("iloc", full, "\x44\x00", "\x00\x01", "\x00\x01", "\x00\x00", "\x00\x01", place))
	}
	return []byte(types + meta(len(types)+len(meta(0))+8) + box("mdat", packet))
}

// TestTextsHaveAnOrder: XMP before IPTC before EXIF, each for itself.
func TestTextsHaveAnOrder(t *testing.T) {
	block := string(tiff(directory{0x010e: "from EXIF", 0x4746: uint16(2)}))
	exif := segmentOf(0xe1, exifPrefix+block)
	records, packet := segmentOf(0xed, iptc("from IPTC", "i", "j")), segmentOf(0xe1, xmpPrefix+described("from XMP", "<xmp:Rating>5</xmp:Rating>", "x"))
	for _, tc := range []struct {
		parts, caption, words string
		rating                int
	}{
		{exif, "from EXIF", "[]", 2},
		{exif + records, "from IPTC", "[i j]", 2},
		{packet + exif + records, "from XMP", "[x]", 5},
		{exif + records + segmentOf(0xe1, xmpPrefix+xmp(`<xmp:Rating>3</xmp:Rating>`)), "from IPTC", "[i j]", 3},
		{segmentOf(0xe1, exifPrefix+string(tiff(directory{0x010e: "OLYMPUS DIGITAL CAMERA"}))), "", "[]", 0},
	} {
		m := read(t, "jpeg", []byte("\xff\xd8"+tc.parts+"\xff\xd9"))
		if m.Caption != tc.caption || fmt.Sprint(m.Keywords) != tc.words || m.Rating != tc.rating {
			t.Errorf("%q: %+v", tc.caption, m)
		}
	}
}

func TestTextsHaveLimits(t *testing.T) {
	for n, want := range map[int]int{1999: 1999, 2000: 2000, 2001: 2000} {
		if got := read(t, "jpeg", withTexts("jpeg", described(strings.Repeat("사", n), "", "a"))).Caption; len([]rune(got)) != want {
			t.Errorf("a caption of %d characters is read as %d", n, len([]rune(got)))
		}
	}
	for n, want := range map[int]int{99: 99, 100: 100, 101: 100} {
		words := make([]string, n)
		for i := range words {
			words[i] = fmt.Sprint("w", i)
		}
		words[0] = strings.Repeat("w", n)
		got := read(t, "jpeg", withTexts("jpeg", described("c", "", words...))).Keywords
		if len(got) != want || len(got[0]) != want {
			t.Errorf("%d keywords, the first as long, are read as %d, %d long", n, len(got), len(got[0]))
		}
	}
}

func TestTextsAreClean(t *testing.T) {
	m := read(t, "jpeg", withTexts("jpeg", described("a\u202eb\u200bc", "<MicrosoftPhoto:Rating>75</MicrosoftPhoto:Rating>", "k\u2066e\u0085y")))
	if m.Caption != "abc" || !cmp.Equal(m.Keywords, []string{"ke y"}) || m.Rating != 4 {
		t.Errorf("%+v", m)
	}
	for in, want := range map[string]int{"1": 1, "25": 2, "50": 3, "75": 4, "99": 5, "0": 0, "100": 0, "x": 0} {
		if got := read(t, "jpeg", withTexts("jpeg", xmp("<MicrosoftPhoto:Rating>"+in+"</MicrosoftPhoto:Rating>"))).Rating; got != want {
			t.Errorf("Microsoft's %s is %d stars, want %d", in, got, want)
		}
	}
}

// TestTextsThatAreBroken leave the rest as it is, with a warning.
func TestTextsThatAreBroken(t *testing.T) {
	exif := segmentOf(0xe1, exifPrefix+string(tiff(photograph())))
	for name, packet := range map[string]string{
		"cut off":  described("caption", "")[:200],
		"entities": `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>` + described("&b;", ""),
		"deep":     strings.Repeat("<a>", 20000),
		"no XML":   strings.Repeat("\x00\xff", 1000),
	} {
		m := read(t, "jpeg", []byte("\xff\xd8"+exif+segmentOf(0xe1, xmpPrefix+packet)+"\xff\xd9"))
		if m.Camera.Model != "Test 3" || m.Caption != "" || len(m.Warnings) != 1 {
			t.Errorf("%s: %+v", name, m)
		}
	}
}
