package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

func testRanges(t *testing.T, h Harness) {
	const digits = "0123456789"
	put := mustPut(t, h.Store, "digits", []byte(digits), blob.WriteOptions{ContentType: "text/plain"})
	tests := []struct {
		offset, length int64
		want           string
		err            error
	}{
		{0, -1, digits, nil},
		{0, 10, digits, nil},
		{0, 4, "0123", nil},
		{3, 4, "3456", nil},
		{3, -1, "3456789", nil},
		{3, 0, "", nil},
		{0, 0, "", nil},
		{8, 100, "89", nil},
		{9, 1, "9", nil},
		{9, -1, "9", nil},
		{9, 1 << 62, "9", nil},
		{10, -1, "", blob.ErrRange},
		{10, 1, "", blob.ErrRange},
		{10, 0, "", blob.ErrRange},
		{11, 1, "", blob.ErrRange},
		{1 << 62, 1, "", blob.ErrRange},
		{-1, 1, "", blob.ErrRange},
	}
	for _, tt := range tests {
		data, info, err := read(t.Context(), h.Store, "digits", tt.offset, tt.length)
		if tt.err != nil {
			wantError(t, fmt.Sprintf("Open at %d", tt.offset), err, tt.err)
			continue
		}
		if err != nil || string(data) != tt.want {
			t.Errorf("range %d,%d = %q, %v; want %q", tt.offset, tt.length, data, err, tt.want)
		}
		if diff := cmp.Diff(put, info); diff != "" {
			t.Errorf("range %d,%d describes another object (-put +got):\n%s", tt.offset, tt.length, diff)
		}
	}
	_, _, err := read(t.Context(), h.Store, "nothing", 10, 1)
	wantError(t, "a range of nothing", err, blob.ErrNotFound)
}

func testCancelledRead(t *testing.T, h Harness) {
	mustPut(t, h.Store, "long", pattern(6, 4<<20), blob.WriteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body, _, err := h.Store.Open(ctx, "long", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = io.Copy(io.Discard, body)
	wantCanceled(t, "reading on", err)
}

func testDelete(t *testing.T, h Harness) {
	for _, key := range []string{"a/b/one", "a/b/two", "a/three"} {
		mustPut(t, h.Store, key, []byte(key), blob.WriteOptions{})
	}
	for range 2 {
		if err := h.Store.Delete(t.Context(), "a/b/one"); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		wantAbsent(t, h.Store, "a/b/one")
	}
	for _, key := range []string{"never", "a/b", "a/three/below", "a/b/never"} {
		if err := h.Store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q) of nothing = %v", key, err)
		}
	}
	wantData(t, h.Store, "a/b/two", []byte("a/b/two"))
	wantData(t, h.Store, "a/three", []byte("a/three"))
}

// testDeleteBesidePut: a store that removes empty folders must not take them
// from under a Put. Each worker alone writes its keys, so every key it has
// written must be there; all share folders that keep becoming empty.
func testDeleteBesidePut(t *testing.T, h Harness) {
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range 25 {
				key := fmt.Sprintf("shared/%d/deep/%d", i%2, w)
				opts := blob.WriteOptions{IfNotExists: i%3 == 0}
				if _, err := h.Store.Put(t.Context(), key, strings.NewReader(key), opts); err != nil {
					t.Errorf("Put(%q): %v", key, err)
				}
				if data, _, err := read(t.Context(), h.Store, key, 0, -1); err != nil || string(data) != key {
					t.Errorf("just written, %q is %q, %v", key, data, err)
				}
				if err := h.Store.Delete(t.Context(), key); err != nil {
					t.Errorf("Delete(%q): %v", key, err)
				}
			}
		})
	}
	workers.Wait()
	if left := mustList(t, h.Store, "", "", 10); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// listKeys are in byte order, which is neither that of a walk through folders
// ("a/c" would come before "a-b") nor of any language.
var listKeys = []string{
	"A", "a!", "a-b", "a-b-c/x", "a.b", "a/-", "a/b/c", "a/b-c", "a/b0", "a0", "aa", "b/c/d/e", "b/c/d0", "z", "é", "한/글", "한글", "𝒳",
}

func testListOrder(t *testing.T, h Harness) {
	want := slices.Sorted(slices.Values(listKeys))
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(want)) {
		mustPut(t, h.Store, want[i], []byte(want[i]), blob.WriteOptions{ContentType: "text/plain"})
	}
	if diff := cmp.Diff(want, mustList(t, h.Store, "", "", 100)); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	infos, err := h.Store.List(t.Context(), "a/b/c", "", 1)
	if err != nil || len(infos) != 1 {
		t.Fatalf("List = %v, %v", infos, err)
	}
	stat, err := h.Store.Stat(t.Context(), "a/b/c")
	if err != nil {
		t.Fatal(err)
	}
	stat.Metadata, infos[0].Metadata = nil, nil // which a listing may lack
	if diff := cmp.Diff(stat, infos[0]); diff != "" {
		t.Errorf("List and Stat disagree (-Stat +List):\n%s", diff)
	}
	for _, prefix := range []string{"../", "/", "a//", "./", "a/../", "\x00", "a\\", "\xff", "a/b/c/", "nothing", strings.Repeat("p", 2000)} {
		if keys := mustList(t, h.Store, prefix, "", 10); len(keys) != 0 {
			t.Errorf("List under %q = %q, want nothing", prefix, keys)
		}
	}
}

// testListAgainstModel compares every question with a sorted slice.
func testListAgainstModel(t *testing.T, h Harness) {
	keys := slices.Sorted(slices.Values(listKeys))
	for _, key := range keys {
		mustPut(t, h.Store, key, nil, blob.WriteOptions{})
	}
	prefixes := []string{"", "a", "a/", "a/b", "a/b/", "a-", "b/c/", "한", "한/", "z"}
	afters := append([]string{"", "\x00", "a", "a/", "a/b", "a/b/", "a/b/c/d", "b/c/d", "\xff"}, keys...)
	for _, prefix := range prefixes {
		for _, after := range afters {
			for _, limit := range []int{1, 2, 5, len(keys), blob.MaxListLimit} {
				want := modelList(keys, prefix, after, limit)
				if got := mustList(t, h.Store, prefix, after, limit); !slices.Equal(got, want) {
					t.Errorf("List(%q, %q, %d) = %q, want %q", prefix, after, limit, got, want)
				}
			}
		}
	}
}

func modelList(sorted []string, prefix, after string, limit int) []string {
	var out []string
	for _, key := range sorted {
		if strings.HasPrefix(key, prefix) && key > after && len(out) < limit {
			out = append(out, key)
		}
	}
	return out
}

func testListLimit(t *testing.T, h Harness) {
	for limit, want := range map[int]error{
		-1: blob.ErrLimit, 0: blob.ErrLimit, 1: nil,
		blob.MaxListLimit: nil, blob.MaxListLimit + 1: blob.ErrLimit,
	} {
		if _, err := h.Store.List(t.Context(), "", "", limit); !errors.Is(err, want) {
			t.Errorf("List of %d = %v, want %v", limit, err, want)
		}
	}
}

// testReadersSeeOneVersion reads while the object is replaced by ones of other
// lengths: whatever is read must be one of them, whole, and as described.
func testReadersSeeOneVersion(t *testing.T, h Harness) {
	version := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 50_000+10_000*(i%5)) }
	mustPut(t, h.Store, "changing", version(0), blob.WriteOptions{})
	written := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for done := false; !done; {
				select {
				case <-written:
					done = true // and read once more: the last version
				default:
				}
				data, info, err := read(t.Context(), h.Store, "changing", 0, -1)
				if err != nil || len(data) == 0 {
					t.Errorf("reading: %d bytes, %v", len(data), err)
					return
				}
				if !bytes.Equal(data, version(int(data[0]))) || info.Size != int64(len(data)) || info.CRC32C != checksum(data) {
					t.Errorf("read a mixture: %d bytes beginning with %d, described as %+v", len(data), data[0], info)
				}
			}
		})
	}
	for i := range 30 {
		mustPut(t, h.Store, "changing", version(i+1), blob.WriteOptions{})
	}
	close(written)
	readers.Wait()
	wantData(t, h.Store, "changing", version(30))
}
