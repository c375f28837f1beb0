package fileblob_test

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
)

const kept = "all of it"

var keptCRC = crc32.Checksum([]byte(kept), crc32.MakeTable(crc32.Castagnoli))

// withPartial opens a store with one whole partial.
func withPartial(t *testing.T, dir string, announced *[]string) (*fileblob.Store, blob.HeldPartial) {
	t.Helper()
	store, partials := withPartials(t, dir, announced)
	return store, hold(t, partials)
}

func withPartials(t *testing.T, dir string, announced *[]string) (*fileblob.Store, *fileblob.Partials) {
	t.Helper()
	store, err := fileblob.Open(dir, fileblob.Options{
		Log: slog.New(slog.DiscardHandler),
		OnFinalize: func(_ context.Context, info blob.Info) error {
			*announced = append(*announced, info.Key)
			return nil
		},
	})
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	partials, err := store.Partials()
	must(t, err)
	must(t, partials.Begin(t.Context(), partial, []byte("note")))
	h := hold(t, partials)
	defer h.Release()
	must(t, second(h.Append(t.Context(), strings.NewReader(kept))))
	if !partials.Keeps(store) || partials.Keeps(nil) {
		t.Error("Keeps does not know its store")
	}
	return store, partials
}

func content(t *testing.T, s *fileblob.Store, key string) (string, blob.Info) {
	t.Helper()
	r, info, err := s.Open(t.Context(), key, 0, -1)
	must(t, err)
	raw, err := io.ReadAll(r)
	must(t, errors.Join(err, r.Close()))
	return string(raw), info
}

func TestKeepMakesAnObject(t *testing.T) {
	var announced []string
	store, h := withPartial(t, t.TempDir(), &announced)
	opts := blob.WriteOptions{ContentType: "text/plain", Metadata: map[string]string{"a": "b"}, IfNotExists: true}
	info, err := h.Keep(t.Context(), "originals/a", keptCRC, opts)
	must(t, err)
	text, seen := content(t, store, "originals/a")
	if text != kept || seen.Generation != info.Generation || seen.ContentType != "text/plain" || seen.Metadata["a"] != "b" || seen.Size != int64(len(kept)) {
		t.Errorf("kept %q, %+v; Keep said %+v", text, seen, info)
	}
	if len(announced) != 1 || announced[0] != "originals/a" {
		t.Errorf("announced %v", announced)
	}
	if at := h.Partial().Offset; at != int64(len(kept)) || bytesOf(t, h) != kept {
		t.Errorf("the partial is at %d and holds %q", at, bytesOf(t, h))
	}
	if _, err := h.Keep(t.Context(), "originals/a", keptCRC, opts); !errors.Is(err, blob.ErrExists) {
		t.Errorf("kept twice: %v", err)
	}
	must(t, h.Empty(t.Context(), []byte("done")))
	if text, _ := content(t, store, "originals/a"); text != kept {
		t.Errorf("after Empty the object holds %q", text)
	}
}

// A process that ends right after Keep leaves an object and a partial, and the
// object is safe from whatever becomes of the partial.
func TestKeepSurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	var announced []string
	store, h := withPartial(t, dir, &announced)
	_, err := h.Keep(t.Context(), "originals/a", keptCRC, blob.WriteOptions{IfNotExists: true})
	must(t, errors.Join(err, store.Close()))
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) {
		h := hold(t, p)
		if bytesOf(t, h) != kept {
			t.Errorf("the partial holds %q", bytesOf(t, h))
		}
		must(t, h.Remove(t.Context()))
	})
	store, err = fileblob.Open(dir, fileblob.Options{Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer func() { must(t, store.Close()) }()
	if text, _ := content(t, store, "originals/a"); text != kept {
		t.Errorf("the object holds %q", text)
	}
}

func TestKeepRefuses(t *testing.T) {
	var announced []string
	_, h := withPartial(t, t.TempDir(), &announced)
	for name, refusal := range map[string]error{
		"a hostile key": second(h.Keep(t.Context(), "../a", keptCRC, blob.WriteOptions{})),
		"another size":  second(h.Keep(t.Context(), "a", keptCRC, blob.WriteOptions{Size: 5})),
	} {
		if want := map[string]error{"a hostile key": blob.ErrKey, "another size": blob.ErrIncomplete}[name]; !errors.Is(refusal, want) {
			t.Errorf("%s: %v", name, refusal)
		}
	}
}

func TestOpenAt(t *testing.T) {
	store, err := fileblob.Open(t.TempDir(), fileblob.Options{Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer func() { must(t, store.Close()) }()
	_, err = store.Put(t.Context(), "a/b", strings.NewReader("0123456789"), blob.WriteOptions{})
	must(t, err)
	r, info, err := store.OpenAt(t.Context(), "a/b")
	must(t, err)
	defer func() { must(t, r.Close()) }()
	buf := make([]byte, info.Size-4)
	if _, err := r.ReadAt(buf, 4); string(buf) != "456789" || err != nil {
		t.Errorf("read %q, %v of %d bytes", buf, err, info.Size)
	}
	if _, _, err := store.OpenAt(t.Context(), "a/c"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if _, _, err := store.OpenAt(t.Context(), "../a"); !errors.Is(err, blob.ErrKey) {
		t.Errorf("a hostile key: %v", err)
	}
}

// The last bytes are there for Keep, and for nobody who comes later without it.
func TestFinishIsForKeep(t *testing.T) {
	var announced []string
	store, h := withPartial(t, t.TempDir(), &announced)
	end, err := h.Finish(t.Context(), strings.NewReader(", and more"))
	must(t, err)
	whole := kept + ", and more"
	if end != int64(len(whole)) || h.Partial().Offset != int64(len(kept)) || bytesOf(t, h) != whole {
		t.Errorf("finished at %d, durable to %d, %q", end, h.Partial().Offset, bytesOf(t, h))
	}
	_, err = h.Keep(t.Context(), "a", crc32.Checksum([]byte(whole), crc32.MakeTable(crc32.Castagnoli)), blob.WriteOptions{})
	must(t, err)
	if text, _ := content(t, store, "a"); text != whole {
		t.Errorf("kept %q", text)
	}
}

func TestFinishThatIsNotKeptIsLost(t *testing.T) {
	var announced []string
	store, partials := withPartials(t, t.TempDir(), &announced)
	h := hold(t, partials)
	_, err := h.Finish(t.Context(), strings.NewReader(", and more"))
	must(t, err)
	h.Release()
	again := hold(t, partials)
	if bytesOf(t, again) != kept {
		t.Errorf("the next one finds %q", bytesOf(t, again))
	}
	must(t, second(again.Append(t.Context(), strings.NewReader("!"))))
	_, err = again.Keep(t.Context(), "a", crc32.Checksum([]byte(kept+"!"), crc32.MakeTable(crc32.Castagnoli)), blob.WriteOptions{})
	must(t, err)
	if text, _ := content(t, store, "a"); text != kept+"!" {
		t.Errorf("kept %q", text)
	}
}

// A process ends between Keep and Empty, and the client, who has heard nothing,
// sends the last bytes again: they must not be written over the object, whose
// file is the partial's.
func TestBytesSentAgainLeaveTheObjectAlone(t *testing.T) {
	for name, again := range map[string]func(blob.HeldPartial) error{
		"the last piece": func(h blob.HeldPartial) error { return second(h.Finish(t.Context(), strings.NewReader("again"))) },
		"a piece":        func(h blob.HeldPartial) error { return second(h.Append(t.Context(), strings.NewReader("again"))) },
		"a broken piece": func(h blob.HeldPartial) error {
			_, err := h.Append(t.Context(), io.MultiReader(strings.NewReader("ag"), iotest.ErrReader(io.ErrUnexpectedEOF)))
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				return errors.Join(err, errors.New("the broken piece was taken"))
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, key := t.TempDir(), "originals/a.jpg"
			var announced []string
			store, partials := withPartials(t, dir, &announced)
			h := hold(t, partials)
			must(t, second(h.Finish(t.Context(), strings.NewReader(" and the end"))))
			whole := kept + " and the end"
			must(t, second(h.Keep(t.Context(), key, crc32.Checksum([]byte(whole), crc32.MakeTable(crc32.Castagnoli)), blob.WriteOptions{})))
			h.Release()
			must(t, store.Close())

			store, err := fileblob.Open(dir, fileblob.Options{Log: slog.New(slog.DiscardHandler)})
			must(t, err)
			t.Cleanup(func() { _ = store.Close() })
			partials, err = store.Partials()
			must(t, err)
			h = hold(t, partials)
			defer h.Release()
			if offset := h.Partial().Offset; offset != int64(len(kept)) {
				t.Errorf("the partial has %d bytes", offset)
			}
			must(t, again(h))
			if got, _ := content(t, store, key); got != whole {
				t.Errorf("the object holds %q", got)
			}
			if got := bytesOf(t, h); !strings.HasPrefix(got, kept) {
				t.Errorf("the partial holds %q", got)
			}
		})
	}
}
