package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

func testNotThere(t *testing.T, h Harness) {
	wantAbsent(t, h.Store, "not/there.jpg")
	mustPut(t, h.Store, "folder/there.jpg", []byte("x"), blob.WriteOptions{})
	wantAbsent(t, h.Store, "folder")
	wantAbsent(t, h.Store, "folder/there")
	wantAbsent(t, h.Store, "folder/there.jpg/below")
}

func testRoundTrip(t *testing.T, h Harness) {
	for _, size := range []int{1, 255, 4096, 300_000} {
		data := pattern(byte(size), size)
		opts := blob.WriteOptions{
			ContentType: "image/jpeg", Size: int64(size),
			Metadata: map[string]string{"owner": "01KAJ", "original-name": "바다 \"1\".jpg", "empty": ""},
		}
		before := time.Now().Add(-time.Minute)
		put := mustPut(t, h.Store, "20261122/바다.jpg", data, opts)
		wantData(t, h.Store, "20261122/바다.jpg", data)
		stat, err := h.Store.Stat(t.Context(), "20261122/바다.jpg")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(put, stat); diff != "" {
			t.Errorf("Put and Stat disagree (-Put +Stat):\n%s", diff)
		}
		if stat.Key != "20261122/바다.jpg" || stat.ContentType != opts.ContentType || stat.Generation == 0 ||
			stat.CreatedAt.Before(before) || stat.CreatedAt.After(time.Now().Add(time.Minute)) {
			t.Errorf("Stat = %+v", stat)
		}
		if diff := cmp.Diff(opts.Metadata, stat.Metadata); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	}
}

// testReaders: readers may return little, or data together with their end.
func testReaders(t *testing.T, h Harness) {
	data := pattern(7, 10_000)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"half": iotest.HalfReader, "one-byte": iotest.OneByteReader, "data-with-eof": iotest.DataErrReader,
	} {
		for _, size := range []int64{0, int64(len(data))} {
			if _, err := h.Store.Put(t.Context(), name, wrap(bytes.NewReader(data)), blob.WriteOptions{Size: size}); err != nil {
				t.Fatalf("Put from a %s reader: %v", name, err)
			}
			wantData(t, h.Store, name, data)
		}
	}
}

func testDefaults(t *testing.T, h Harness) {
	// The content looks like a picture: the type must not be guessed from it.
	info := mustPut(t, h.Store, "plain", []byte("\xff\xd8\xff\xe0 JFIF"), blob.WriteOptions{})
	if info.ContentType != blob.DefaultContentType || len(info.Metadata) != 0 {
		t.Errorf("Put without options = %+v, want %s and no metadata", info, blob.DefaultContentType)
	}
}

func testEmptyObject(t *testing.T, h Harness) {
	mustPut(t, h.Store, "empty", nil, blob.WriteOptions{})
	wantData(t, h.Store, "empty", []byte{})
	if data, _ := mustRead(t, h.Store, "empty", 0, 10); len(data) != 0 {
		t.Errorf("an empty object gave %q", data)
	}
	_, _, err := read(t.Context(), h.Store, "empty", 1, -1)
	wantError(t, "Open beyond an empty object", err, blob.ErrRange)
}

func testOverwrite(t *testing.T, h Harness) {
	seen := map[int64]bool{}
	for i := range 5 {
		data := pattern(byte(i), 1000-i)
		info := mustPut(t, h.Store, "again", data, blob.WriteOptions{})
		wantData(t, h.Store, "again", data)
		if seen[info.Generation] {
			t.Errorf("write %d has generation %d again", i, info.Generation)
		}
		seen[info.Generation] = true
		if i == 2 {
			if err := h.Store.Delete(t.Context(), "again"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func testIfNotExists(t *testing.T, h Harness) {
	first := []byte("first")
	mustPut(t, h.Store, "once", first, blob.WriteOptions{IfNotExists: true})
	_, err := h.Store.Put(t.Context(), "once", strings.NewReader("second"), blob.WriteOptions{IfNotExists: true})
	wantError(t, "second Put", err, blob.ErrExists)
	wantData(t, h.Store, "once", first)
	if err := h.Store.Delete(t.Context(), "once"); err != nil {
		t.Fatal(err)
	}
	mustPut(t, h.Store, "once", []byte("third"), blob.WriteOptions{IfNotExists: true})
	wantData(t, h.Store, "once", []byte("third"))
}

func testIfNotExistsRace(t *testing.T, h Harness) {
	const racers = 16
	var (
		start, done sync.WaitGroup
		errs        [racers]error
	)
	start.Add(1)
	for i := range racers {
		done.Go(func() {
			start.Wait()
			_, errs[i] = h.Store.Put(t.Context(), "race/prize", bytes.NewReader(pattern(byte(i), 5000)),
				blob.WriteOptions{IfNotExists: true})
		})
	}
	start.Done()
	done.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("racers %d and %d both won", winner, i)
		default:
			wantError(t, "a loser's Put", err, blob.ErrExists)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	wantData(t, h.Store, "race/prize", pattern(byte(winner), 5000))
}

func testFailingReader(t *testing.T, h Harness) {
	for _, n := range []int{0, 1, 100_000} {
		for _, size := range []int64{0, int64(n), int64(n) + 5} {
			_, err := h.Store.Put(t.Context(), "broken", failing(pattern(1, n), errSource), blob.WriteOptions{Size: size})
			wantError(t, "Put from a broken source", err, errSource)
			wantAbsent(t, h.Store, "broken")
		}
	}
}

func testWrongSize(t *testing.T, h Harness) {
	data := pattern(2, 70_000)
	for _, declared := range []int64{1, 69_999, 70_001, 1 << 30} {
		_, err := h.Store.Put(t.Context(), "size", bytes.NewReader(data), blob.WriteOptions{Size: declared})
		wantError(t, "Put of another length than declared", err, blob.ErrIncomplete)
		wantAbsent(t, h.Store, "size")
	}
	_, err := h.Store.Put(t.Context(), "size", strings.NewReader(""), blob.WriteOptions{Size: 1})
	wantError(t, "Put of nothing in place of a byte", err, blob.ErrIncomplete)
	wantAbsent(t, h.Store, "size")
}

// testCancelledWrite: the source goes on yielding after the context has ended,
// so that only a store that looks at the context stops.
func testCancelledWrite(t *testing.T, h Harness) {
	for _, size := range []int64{0, 20 << 20} {
		ctx, cancel := context.WithCancel(t.Context())
		left := 20 << 20
		source := readerFunc(func(p []byte) (int, error) {
			n := min(len(p), left)
			if left -= n; left < 19<<20 {
				cancel()
			}
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		})
		_, err := h.Store.Put(ctx, "cancelled", source, blob.WriteOptions{Size: size})
		wantCanceled(t, "cancelled Put", err)
		wantAbsent(t, h.Store, "cancelled")
		cancel()
	}
}

func testCancelledBefore(t *testing.T, h Harness) {
	mustPut(t, h.Store, "there", []byte("data"), blob.WriteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Store.Put(ctx, "new", strings.NewReader("data"), blob.WriteOptions{})
	wantCanceled(t, "Put", err)
	_, _, err = read(ctx, h.Store, "there", 0, -1)
	wantCanceled(t, "Open", err)
	_, err = h.Store.Stat(ctx, "there")
	wantCanceled(t, "Stat", err)
	_, err = h.Store.List(ctx, "", "", 10)
	wantCanceled(t, "List", err)
	wantCanceled(t, "Delete", h.Store.Delete(ctx, "there"))
	wantAbsent(t, h.Store, "new")
	wantData(t, h.Store, "there", []byte("data"))
}

// testFailedOverwrite: what was there stays whole when its replacement fails.
func testFailedOverwrite(t *testing.T, h Harness) {
	old := pattern(3, 5000)
	before := mustPut(t, h.Store, "kept", old, blob.WriteOptions{ContentType: "image/png"})
	_, err := h.Store.Put(t.Context(), "kept", failing(pattern(4, 9000), errSource), blob.WriteOptions{})
	wantError(t, "Put", err, errSource)
	_, err = h.Store.Put(t.Context(), "kept", strings.NewReader("short"), blob.WriteOptions{Size: 100})
	wantError(t, "Put", err, blob.ErrIncomplete)
	wantData(t, h.Store, "kept", old)
	if after, err := h.Store.Stat(t.Context(), "kept"); err != nil || cmp.Diff(before, after) != "" {
		t.Errorf("after failed writes the object is %+v (%v), was %+v", after, err, before)
	}
}

// testInvisibleUntilWhole looks while a Put waits in the middle. A pipe hands
// over synchronously: when Write returns, the store has taken the bytes.
func testInvisibleUntilWhole(t *testing.T, h Harness) {
	data := pattern(5, 1<<20)
	pr, pw := io.Pipe()
	result := make(chan error, 1)
	go func() {
		_, err := h.Store.Put(t.Context(), "slow", pr, blob.WriteOptions{Size: int64(len(data))})
		pr.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // so that a Put that gave up stops us
		result <- err
	}()
	for half := range 2 {
		wantAbsent(t, h.Store, "slow")
		if _, err := pw.Write(data[half*len(data)/2 : (half+1)*len(data)/2]); err != nil {
			t.Fatalf("Put stopped reading: %v, %v", err, <-result)
		}
	}
	wantAbsent(t, h.Store, "slow")
	_ = pw.Close()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	wantData(t, h.Store, "slow", data)
}

func testWriteOptionLimits(t *testing.T, h Harness) {
	metadata := func(total int) map[string]string {
		return map[string]string{"key": strings.Repeat("\x01", total-len("key"))}
	}
	tests := []struct {
		name string
		opts blob.WriteOptions
		want error
	}{
		{"metadata at the limit less one", blob.WriteOptions{Metadata: metadata(blob.MaxMetadataBytes - 1)}, nil},
		{"metadata at the limit", blob.WriteOptions{Metadata: metadata(blob.MaxMetadataBytes)}, nil},
		{"metadata over the limit", blob.WriteOptions{Metadata: metadata(blob.MaxMetadataBytes + 1)}, blob.ErrOptions},
		{"upper-case name", blob.WriteOptions{Metadata: map[string]string{"Owner": "x"}}, blob.ErrOptions},
		{"empty name", blob.WriteOptions{Metadata: map[string]string{"": "x"}}, blob.ErrOptions},
		{"invalid UTF-8", blob.WriteOptions{Metadata: map[string]string{"a": "\xff"}}, blob.ErrOptions},
		{"content type at the limit", blob.WriteOptions{ContentType: "a/" + strings.Repeat("b", blob.MaxContentTypeBytes-2)}, nil},
		{"content type over the limit", blob.WriteOptions{ContentType: "a/" + strings.Repeat("b", blob.MaxContentTypeBytes-1)}, blob.ErrOptions},
		{"content type with a line break", blob.WriteOptions{ContentType: "a/b\r\nX-Evil: 1"}, blob.ErrOptions},
		{"negative size", blob.WriteOptions{Size: -1}, blob.ErrOptions},
	}
	for _, tt := range tests {
		_, err := h.Store.Put(t.Context(), "limits", strings.NewReader("data"), tt.opts)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Put = %v, want %v", tt.name, err, tt.want)
		}
		if tt.want != nil {
			wantAbsent(t, h.Store, "limits")
			continue
		}
		info, err := h.Store.Stat(t.Context(), "limits")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.opts.Metadata, info.Metadata); diff != "" {
			t.Errorf("%s: metadata changed (-want +got):\n%s", tt.name, diff)
		}
		if err := h.Store.Delete(t.Context(), "limits"); err != nil {
			t.Fatal(err)
		}
	}
}
