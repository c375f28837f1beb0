package fileblob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
)

func object(t testing.TB, body string, metadata map[string]string) ([]byte, record) {
	t.Helper()
	rec := record{
		Size: int64(len(body)), ContentType: "image/jpeg", CRC32C: stream.Checksum([]byte(body)), Generation: 7,
		CreatedAt: time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC), Metadata: metadata,
	}
	trailer, err := rec.encode()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(body), trailer...), rec
}

func TestTrailerRoundTrip(t *testing.T) {
	for _, value := range []string{"", "x", "\x00\"<&>\u2028한", strings.Repeat("v", 2*tailBytes), strings.Repeat("\x01", blob.MaxMetadataBytes-1)} {
		for _, body := range []string{"", "b", strings.Repeat("body", 10_000)} {
			file, want := object(t, body, map[string]string{"k": value})
			got, err := readRecord(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatalf("%d bytes of metadata: %v", len(value), err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

// TestEveryChangeOfATrailerIsNoticed flips each byte and cuts at each length.
func TestEveryChangeOfATrailerIsNoticed(t *testing.T) {
	const body = "body"
	file, _ := object(t, body, map[string]string{"owner": "01KAJ"})
	for i := len(body); i < len(file); i++ {
		changed := bytes.Clone(file)
		changed[i] ^= 0x20
		if rec, err := readRecord(bytes.NewReader(changed), int64(len(changed))); !errors.Is(err, errNoTrailer) {
			t.Errorf("byte %d changed: %+v, %v", i, rec, err)
		}
	}
	for n := range file {
		if rec, err := readRecord(bytes.NewReader(file[:n]), int64(n)); !errors.Is(err, errNoTrailer) {
			t.Errorf("cut to %d bytes: %+v, %v", n, rec, err)
		}
		if rec, err := readRecord(bytes.NewReader(file[n+1:]), int64(len(file)-n-1)); !errors.Is(err, errNoTrailer) {
			t.Errorf("%d bytes missing at the beginning: %+v, %v", n+1, rec, err)
		}
	}
}

func FuzzReadRecord(f *testing.F) {
	file, _ := object(f, "body", map[string]string{"owner": "01KAJ"})
	f.Add(file)
	f.Add([]byte(magic))
	f.Add([]byte{})
	for _, length := range []uint32{0, 1, maxTrailerBytes, maxTrailerBytes + 1, 1 << 31} {
		footer := binary.LittleEndian.AppendUint32(nil, length)
		f.Add(append(binary.LittleEndian.AppendUint32(footer, 0), magic...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rec, err := readRecord(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if !errors.Is(err, errNoTrailer) {
				t.Errorf("unexpected %v", err)
			}
			return
		}
		if rec.Size < 0 || rec.Size > int64(len(file)) {
			t.Errorf("a file of %d bytes holds an object of %d", len(file), rec.Size)
		}
	})
}

// TestUnreadableIsNotDamaged: an error of the disk says nothing of the object.
func TestUnreadableIsNotDamaged(t *testing.T) {
	_, err := readRecord(unreadable{}, 100)
	if got := classify("op", err); !errors.Is(got, blob.ErrUnavailable) || !errors.Is(got, fs.ErrPermission) {
		t.Errorf("classified as %v", got)
	}
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }
