package fileblob

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
)

// A trailer is JSON, then a footer of fixed length:
//
//	4 bytes  length of the JSON, little-endian
//	4 bytes  CRC32C of the JSON, little-endian
//	8 bytes  magic; its last byte is the version of the layout
const (
	magic       = "sajinob1"
	footerBytes = 16
	// maxTrailerBytes holds blob.MaxMetadataBytes even where JSON writes every
	// byte as six.
	maxTrailerBytes = 64 << 10
	// tailBytes is how much Stat reads at first: enough for any usual trailer.
	tailBytes = 1 << 10
)

// errNoTrailer: the file was not written by this package, or not whole.
var errNoTrailer = errors.New("no valid trailer")

// record is the JSON of a trailer. The key is not in it: a file moved by hand
// is the object of its new name.
type record struct {
	Size        int64             `json:"size"`
	ContentType string            `json:"content_type"`
	CRC32C      uint32            `json:"crc32c"`
	Generation  int64             `json:"generation"`
	CreatedAt   time.Time         `json:"created_at"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

func (r record) info(key string) blob.Info {
	return blob.Info{
		Key: key, Size: r.Size, ContentType: r.ContentType, CRC32C: r.CRC32C,
		Generation: r.Generation, CreatedAt: r.CreatedAt, Metadata: r.Metadata,
	}
}

// encode gives the trailer's bytes.
func (r record) encode() ([]byte, error) {
	out, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	n, crc := uint32(len(out)), stream.Checksum(out) //nolint:gosec // a record is at most maxTrailerBytes long
	out = binary.LittleEndian.AppendUint32(out, n)
	out = binary.LittleEndian.AppendUint32(out, crc)
	return append(out, magic...), nil
}

// readRecord reads the trailer at the end of a file of the given size.
func readRecord(file io.ReaderAt, size int64) (record, error) {
	tail, err := readTail(file, size, tailBytes)
	if err != nil {
		return record{}, err
	}
	need, err := trailerLength(tail)
	if err != nil {
		return record{}, err
	}
	if need > int64(len(tail)) {
		if tail, err = readTail(file, size, need); err != nil {
			return record{}, err
		}
	}
	if need > int64(len(tail)) {
		return record{}, fmt.Errorf("%w: longer than its file", errNoTrailer)
	}
	return decodeTrailer(tail[int64(len(tail))-need:], size)
}

// readTail reads the last n bytes, or all if there are fewer.
func readTail(file io.ReaderAt, size, n int64) ([]byte, error) {
	buf := make([]byte, min(size, n))
	if got, err := file.ReadAt(buf, size-int64(len(buf))); got < len(buf) {
		return nil, err
	}
	return buf, nil
}

// trailerLength reads the footer at the end of tail.
func trailerLength(tail []byte) (int64, error) {
	if len(tail) < footerBytes || string(tail[len(tail)-len(magic):]) != magic {
		return 0, errNoTrailer
	}
	n := binary.LittleEndian.Uint32(tail[len(tail)-footerBytes:])
	if n > maxTrailerBytes {
		return 0, fmt.Errorf("%w: of %d bytes", errNoTrailer, n)
	}
	return int64(n) + footerBytes, nil
}

// decodeTrailer reads exactly one trailer of a file of the given size.
func decodeTrailer(trailer []byte, fileSize int64) (record, error) {
	body, footer := trailer[:len(trailer)-footerBytes], trailer[len(trailer)-footerBytes:]
	if stream.Checksum(body) != binary.LittleEndian.Uint32(footer[4:]) {
		return record{}, fmt.Errorf("%w: wrong checksum", errNoTrailer)
	}
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		return record{}, fmt.Errorf("%w: %w", errNoTrailer, err)
	}
	if r.Size != fileSize-int64(len(trailer)) {
		return record{}, fmt.Errorf("%w: %d bytes in place of %d", errNoTrailer, fileSize-int64(len(trailer)), r.Size)
	}
	return r, nil
}
