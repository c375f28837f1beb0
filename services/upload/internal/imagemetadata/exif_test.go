package imagemetadata

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// The tags that the tests write.
const (
	tagMake, tagModel, tagExif, tagGPS                    = 0x010f, 0x0110, 0x8769, 0x8825
	tagExposure, tagFNumber, tagISO                       = 0x829a, 0x829d, 0x8827
	tagOriginal, tagDigitized                             = 0x9003, 0x9004
	tagOffsetOriginal, tagOffsetDigitized, tagSubSec      = 0x9011, 0x9012, 0x9291
	tagFocal, tagInterop, tagLens                         = 0x920a, 0xa005, 0xa434
	tagLatitudeRef, tagLatitude, tagLongRef, tagLongitude = 1, 2, 3, 4
)

// rational is a fraction as EXIF has it.
type rational [2]uint32

// directory is a TIFF directory: values by tag. A directory within is one, too.
type directory map[uint16]any

// tiff is a block of little-endian EXIF data.
func tiff(d directory) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	return appendDirectory(b, d)
}

// appendDirectory appends d, its values after it.
func appendDirectory(b []byte, d directory) []byte {
	le := binary.LittleEndian
	entry := len(b) + 2
	b = append(le.AppendUint16(b, uint16(len(d))), make([]byte, 12*len(d)+4)...)
	for _, tag := range sortedKeys(d) {
		kind, count, value := encodeValue(d[tag])
		if sub, ok := d[tag].(directory); ok {
			value = le.AppendUint32(nil, uint32(len(b)))
			b = appendDirectory(b, sub)
		}
		le.PutUint16(b[entry:], tag)
		le.PutUint16(b[entry+2:], kind)
		le.PutUint32(b[entry+4:], count)
		if len(value) <= 4 {
			copy(b[entry+8:], value)
		} else {
			le.PutUint32(b[entry+8:], uint32(len(b)))
			b = append(b, value...)
		}
		entry += 12
	}
	return b
}

func sortedKeys(d directory) []uint16 {
	var keys []uint16
	for tag := range math.MaxUint16 {
		if _, ok := d[uint16(tag)]; ok {
			keys = append(keys, uint16(tag))
		}
	}
	return keys
}

func encodeValue(v any) (kind uint16, count uint32, value []byte) {
	le := binary.LittleEndian
	switch v := v.(type) {
	case string:
		return 2, uint32(len(v) + 1), append([]byte(v), 0)
	case uint16:
		return 3, 1, le.AppendUint16(nil, v)
	case []uint16:
		for _, n := range v {
			value = le.AppendUint16(value, n)
		}
		return 3, uint32(len(v)), value
	case []uint32:
		for _, n := range v {
			value = le.AppendUint32(value, n)
		}
		return 4, uint32(len(v)), value
	case directory:
		return 4, 1, make([]byte, 4)
	case rational:
		return 5, 1, le.AppendUint32(le.AppendUint32(nil, v[0]), v[1])
	case []rational:
		for _, r := range v {
			value = le.AppendUint32(le.AppendUint32(value, r[0]), r[1])
		}
		return 5, uint32(len(v)), value
	default:
		panic("no such value")
	}
}

// wraps put EXIF data into files of each format that has it, where cameras and
// programs do.
var wraps = map[string]func(block []byte) []byte{
	"jpeg": func(block []byte) []byte {
		size := 2 + 6 + len(block)
		head := []byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xe1")
		head = binary.BigEndian.AppendUint16(head, uint16(size))
		return bytes.Join([][]byte{head, []byte("Exif\x00\x00"), block, []byte("\xff\xda\x00\x02\xff\xd9")}, nil)
	},
	"png": func(block []byte) []byte {
		return bytes.Join([][]byte{
			[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", make([]byte, 13)), chunk("IDAT", make([]byte, 9000)),
			chunk("eXIf", block), chunk("IEND", nil),
		}, nil)
	},
	"webp": func(block []byte) []byte {
		body := append([]byte("WEBPVP8L\x03\x00\x00\x00abc\x00EXIF"), binary.LittleEndian.AppendUint32(nil, uint32(len(block)))...)
		body = append(body, block...)
		return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
	},
}

func chunk(kind string, data []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind...)
	out = append(out, data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func source(data []byte) ingest.Source {
	return ingest.Source{ReaderAt: bytes.NewReader(data), Size: int64(len(data))}
}
