package blob_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
)

func TestCheckKey(t *testing.T) {
	for name, key := range blobtest.RefusedKeys() {
		if err := blob.CheckKey(key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("%s: CheckKey(%.60q) = %v, want ErrKey", name, key, err)
		}
	}
	for name, key := range blobtest.AcceptedKeys() {
		if err := blob.CheckKey(key); err != nil {
			t.Errorf("%s: CheckKey(%.60q) = %v", name, key, err)
		}
	}
}

// FuzzCheckKey: an accepted key, as a path, stays below any folder and is no
// other key's path.
func FuzzCheckKey(f *testing.F) {
	for _, keys := range []map[string]string{blobtest.RefusedKeys(), blobtest.AcceptedKeys()} {
		for _, key := range keys {
			f.Add(key)
		}
	}
	f.Fuzz(func(t *testing.T, key string) {
		if blob.CheckKey(key) != nil {
			return
		}
		if !blob.CheckPrefix(key) {
			t.Errorf("%q is a key and no prefix", key)
		}
		if path.Clean("/root/"+key) != "/root/"+key || !utf8.ValidString(key) || len(key) > blob.MaxKeyBytes {
			t.Errorf("%q is accepted", key)
		}
	})
}

// FuzzCheckPrefix: every beginning of a key, up to a whole character, is a
// possible prefix.
func FuzzCheckPrefix(f *testing.F) {
	for _, key := range blobtest.AcceptedKeys() {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if blob.CheckKey(key) != nil {
			return
		}
		for i := range key {
			if !blob.CheckPrefix(key[:i]) {
				t.Errorf("%q can begin with %q", key, key[:i])
			}
		}
	})
}

func TestCheckPrefixRefuses(t *testing.T) {
	for _, prefix := range []string{"/", "../", "a/../", "a//", "./", "a\\", "a\x00", "\xed\x95", strings.Repeat("s", blob.MaxSegmentBytes+1)} {
		if blob.CheckPrefix(prefix) {
			t.Errorf("CheckPrefix(%q): no key begins so", prefix)
		}
	}
}

func TestSpan(t *testing.T) {
	tests := []struct {
		size, offset, length, want int64
		err                        error
	}{
		{10, 0, -1, 10, nil},
		{10, 9, math.MaxInt64, 1, nil},
		{10, 3, 0, 0, nil},
		{10, 9, -1, 1, nil},
		{10, 10, -1, 0, blob.ErrRange},
		{10, 11, 1, 0, blob.ErrRange},
		{10, -1, 1, 0, blob.ErrRange},
		{0, 0, -1, 0, nil},
		{0, 0, 5, 0, nil},
		{0, 1, -1, 0, blob.ErrRange},
		{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64, 1, nil},
	}
	for _, tt := range tests {
		if got, err := blob.Span(tt.size, tt.offset, tt.length); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Span(%d, %d, %d) = %d, %v; want %d, %v", tt.size, tt.offset, tt.length, got, err, tt.want, tt.err)
		}
	}
}

// listing is a store of which only List works.
type listing struct {
	blob.Store
	keys  []string
	calls int
	err   error // of the second call
}

func (l *listing) List(_ context.Context, prefix, after string, limit int) ([]blob.Info, error) {
	if l.calls++; l.calls == 2 && l.err != nil {
		return nil, l.err
	}
	var out []blob.Info
	for _, key := range l.keys {
		if strings.HasPrefix(key, prefix) && key > after && len(out) < limit {
			out = append(out, blob.Info{Key: key})
		}
	}
	return out, nil
}

func numbered(n int) []string {
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("k/%06d", i))
	}
	return keys
}

func TestEachVisitsAllOnceInOrder(t *testing.T) {
	for _, n := range []int{0, 1, blob.MaxListLimit - 1, blob.MaxListLimit, blob.MaxListLimit + 1, 2*blob.MaxListLimit + 5} {
		store := &listing{keys: append(numbered(n), "other")}
		var got []string
		err := blob.Each(t.Context(), store, "k/", func(info blob.Info) error {
			got = append(got, info.Key)
			return nil
		})
		if err != nil || !slices.Equal(got, numbered(n)) || store.calls != n/blob.MaxListLimit+1 {
			t.Errorf("Each of %d = %d objects in %d calls, %v", n, len(got), store.calls, err)
		}
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	visits := 0
	err := blob.Each(t.Context(), &listing{keys: numbered(10)}, "", func(blob.Info) error {
		if visits++; visits == 3 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || visits != 3 {
		t.Errorf("Each = %v after %d visits", err, visits)
	}
	store := &listing{keys: numbered(2 * blob.MaxListLimit), err: broken}
	if err := blob.Each(t.Context(), store, "", func(blob.Info) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("Each over a failing List = %v", err)
	}
}
