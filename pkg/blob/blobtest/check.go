package blobtest

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func checksum(data []byte) uint32 {
	return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

func mustPut(t *testing.T, s blob.Store, key string, data []byte, opts blob.WriteOptions) blob.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, bytes.NewReader(data), opts)
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	return info
}

// mustRead reads a range and checks that the reader ends and closes cleanly.
func mustRead(t *testing.T, s blob.Store, key string, offset, length int64) ([]byte, blob.Info) {
	t.Helper()
	data, info, err := read(t.Context(), s, key, offset, length)
	if err != nil {
		t.Fatalf("reading %q from %d, %d bytes: %v", key, offset, length, err)
	}
	return data, info
}

func read(ctx context.Context, s blob.Store, key string, offset, length int64) ([]byte, blob.Info, error) {
	body, info, err := s.Open(ctx, key, offset, length)
	if err != nil {
		return nil, info, err
	}
	data, err := io.ReadAll(body)
	return data, info, errors.Join(err, body.Close())
}

func mustList(t *testing.T, s blob.Store, prefix, after string, limit int) []string {
	t.Helper()
	infos, err := s.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
	}
	keys := make([]string, 0, len(infos))
	for _, info := range infos {
		keys = append(keys, info.Key)
	}
	return keys
}

// wantAbsent checks that every way to look finds nothing under key.
func wantAbsent(t *testing.T, s blob.Store, key string) {
	t.Helper()
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Stat(%q) = %v, want ErrNotFound", key, err)
	}
	if body, _, err := s.Open(t.Context(), key, 0, -1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open(%q) = %v, want ErrNotFound", key, err)
		if err == nil {
			_ = body.Close()
		}
	}
	if keys := mustList(t, s, "", "", blob.MaxListLimit); slices.Contains(keys, key) {
		t.Errorf("List shows %q", key)
	}
}

// wantData checks that the object holds data, by Open and by Stat.
func wantData(t *testing.T, s blob.Store, key string, data []byte) {
	t.Helper()
	got, opened := mustRead(t, s, key, 0, -1)
	if !bytes.Equal(got, data) {
		t.Errorf("%q holds %d bytes %.40q, want %d bytes %.40q", key, len(got), got, len(data), data)
	}
	stat, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatalf("Stat(%q): %v", key, err)
	}
	if diff := cmp.Diff(stat, opened); diff != "" {
		t.Errorf("Stat and Open(%q) disagree (-Stat +Open):\n%s", key, diff)
	}
	if stat.Size != int64(len(data)) || stat.CRC32C != checksum(data) {
		t.Errorf("Stat(%q) = %d bytes, crc %08x; want %d, %08x", key, stat.Size, stat.CRC32C, len(data), checksum(data))
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want %v", what, err, want)
	}
}

func wantCanceled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Canceled {
		t.Errorf("%s = %v (%v), want context.Canceled of kind canceled", what, err, fault.KindOf(err))
	}
}
