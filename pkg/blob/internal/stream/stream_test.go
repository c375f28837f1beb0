package stream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
)

// TestChecksumIsCastagnoli uses the check value of the catalogue of CRCs:
// https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-32-iscsi
func TestChecksumIsCastagnoli(t *testing.T) {
	if got := stream.Checksum([]byte("123456789")); got != 0xe3069283 {
		t.Errorf("Checksum = %08x", got)
	}
}

func TestSource(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		r    io.Reader
		size int64
		want error
	}{
		"unknown size":    {strings.NewReader("12345"), 0, nil},
		"right size":      {strings.NewReader("12345"), 5, nil},
		"data with end":   {iotest.DataErrReader(strings.NewReader("12345")), 5, nil},
		"one byte short":  {strings.NewReader("12345"), 6, blob.ErrIncomplete},
		"one byte over":   {strings.NewReader("12345"), 4, blob.ErrIncomplete},
		"nothing":         {strings.NewReader(""), 1, blob.ErrIncomplete},
		"broken":          {io.MultiReader(strings.NewReader("123"), iotest.ErrReader(broken)), 5, broken},
		"broken at end":   {io.MultiReader(strings.NewReader("12345"), iotest.ErrReader(broken)), 5, broken},
		"truncated below": {io.MultiReader(strings.NewReader("1"), iotest.ErrReader(io.ErrUnexpectedEOF)), 5, io.ErrUnexpectedEOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src := stream.NewSource(t.Context(), tt.r, tt.size)
			data, err := io.ReadAll(src)
			if !errors.Is(err, tt.want) || !errors.Is(src.Err(), tt.want) {
				t.Errorf("read %q, %v; Err %v; want %v", data, err, src.Err(), tt.want)
			}
			if src.Size() != int64(len(data)) || src.CRC32C() != stream.Checksum(data) {
				t.Errorf("counted %d bytes, %08x, of %q", src.Size(), src.CRC32C(), data)
			}
			if _, again := src.Read(make([]byte, 1)); tt.want != nil && !errors.Is(again, tt.want) {
				t.Errorf("the error is not final: then %v", again)
			}
		})
	}
}

func TestSourceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := stream.NewSource(ctx, strings.NewReader("12345"), 0)
	if _, err := src.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if n, err := src.Read(make([]byte, 2)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %d, %v", n, err)
	}
}

func TestVerifier(t *testing.T) {
	data := []byte("some data")
	for _, wrap := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
		got, err := io.ReadAll(stream.NewVerifier(wrap(bytes.NewReader(data)), stream.Checksum(data)))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("read %q, %v", got, err)
		}
		_, err = io.ReadAll(stream.NewVerifier(wrap(bytes.NewReader(data)), stream.Checksum(data)+1))
		if !errors.Is(err, blob.ErrChecksum) {
			t.Errorf("another checksum: %v", err)
		}
	}
}
