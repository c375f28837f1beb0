package fileblob_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
)

const partial = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// reopened is the partials of a directory as a new process finds them.
func reopened(t *testing.T, dir string) *fileblob.Partials {
	t.Helper()
	store, err := fileblob.Open(dir, fileblob.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	partials, err := store.Partials()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return partials
}

// inProcess runs do as a process of its own would.
func inProcess(t *testing.T, dir string, do func(*testing.T, *fileblob.Partials)) {
	t.Helper()
	t.Run("process", func(t *testing.T) { do(t, reopened(t, dir)) })
}

func hold(t *testing.T, p *fileblob.Partials) blob.HeldPartial {
	t.Helper()
	h, err := p.Hold(t.Context(), partial)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func bytesOf(t *testing.T, h blob.HeldPartial) string {
	t.Helper()
	r, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPartialsSurviveTheProcess(t *testing.T) {
	dir := t.TempDir()
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) { must(t, p.Begin(t.Context(), partial, []byte("note"))) })
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) {
		h := hold(t, p) // and never released: the process ends
		if at, err := h.Append(t.Context(), strings.NewReader("first ")); at != 6 || err != nil {
			t.Fatalf("Append = %d, %v", at, err)
		}
		must(t, h.Annotate(t.Context(), []byte("another note")))
	})
	file, err := os.OpenFile(filepath.Join(dir, "partials", partial+".part"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = file.WriteString("a long piece that was never acknowledged")
	must(t, errors.Join(err, file.Close()))
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) {
		h := hold(t, p)
		if got := h.Partial(); got.Offset != 6 || string(got.Note) != "another note" || bytesOf(t, h) != "first " {
			t.Errorf("found %d %q %q", got.Offset, got.Note, bytesOf(t, h))
		}
		if at, err := h.Append(t.Context(), strings.NewReader("second")); at != 12 || err != nil || bytesOf(t, h) != "first second" {
			t.Errorf("Append = %d, %v; %q", at, err, bytesOf(t, h))
		}
	})
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) {
		h := hold(t, p)
		must(t, h.Empty(t.Context(), []byte("done")))
		if got := h.Partial(); got.Offset != 0 || string(got.Note) != "done" || bytesOf(t, h) != "" {
			t.Errorf("emptied: %+v", got)
		}
		must(t, h.Remove(t.Context()))
	})
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) {
		if all, err := p.All(t.Context()); len(all) > 0 || err != nil {
			t.Errorf("All = %v, %v", all, err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "partials")); len(left) > 0 || err != nil {
			t.Errorf("files are left: %v, %v", left, err)
		}
	})
}

func TestPartialsAreHeldByOne(t *testing.T) {
	p := reopened(t, t.TempDir())
	must(t, p.Begin(t.Context(), partial, nil))
	if err := p.Begin(t.Context(), partial, nil); !errors.Is(err, blob.ErrExists) {
		t.Errorf("begun twice: %v", err)
	}
	h := hold(t, p)
	if _, err := p.Hold(t.Context(), partial); !errors.Is(err, blob.ErrHeld) {
		t.Errorf("held twice: %v", err)
	}
	if got, err := p.Look(t.Context(), partial); err != nil || got.ID != partial {
		t.Errorf("Look while it is held: %+v, %v", got, err)
	}
	h.Release()
	h = hold(t, p)
	must(t, h.Remove(t.Context()))
	h.Release()
	for name, err := range map[string]error{
		"Look": second(p.Look(t.Context(), partial)), "Hold": second(p.Hold(t.Context(), partial)),
		"a path": second(p.Look(t.Context(), "../lock")),
	} {
		if !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%s of what is not there: %v", name, err)
		}
	}
	for _, id := range []string{"", "a", "../A", "A/B", "A.", strings.Repeat("A", 65)} {
		if err := p.Begin(t.Context(), id, nil); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Begin(%q): %v", id, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// What came before a failure counts in whole steps.
func TestPartialsKeepWholeSteps(t *testing.T) {
	p := reopened(t, t.TempDir())
	must(t, p.Begin(t.Context(), partial, nil))
	h := hold(t, p)
	defer h.Release()
	tunnel := errors.New("tunnel")
	content := bytes.Repeat([]byte("0123456789abcdef"), 2*blob.PartialStep/16)
	cut := func(n int) io.Reader { return io.MultiReader(bytes.NewReader(content[:n]), broken{tunnel}) }
	for sent, want := range map[int]int64{blob.PartialStep - 1: 0, blob.PartialStep + 1: blob.PartialStep} {
		must(t, h.Empty(t.Context(), nil))
		if at, err := h.Append(t.Context(), cut(sent)); at != want || !errors.Is(err, tunnel) {
			t.Errorf("%d bytes, then a failure: %d, %v", sent, at, err)
		}
		if got := bytesOf(t, h); got != string(content[:want]) {
			t.Errorf("%d bytes, then a failure: %d are kept", sent, len(got))
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// A record that a loss of power left half written, or whose bytes are gone, is
// no partial, and neither is what has no record.
func TestDamagedPartials(t *testing.T) {
	dir := t.TempDir()
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) { must(t, p.Begin(t.Context(), partial, nil)) })
	for name, content := range map[string]string{
		"B.json": "", "C.json": `{"offset":10,"note":""}`, "D.json": `{"offset":-1}`, "E.part": "bytes", "f.json": `{"offset":0}`,
	} {
		must(t, os.WriteFile(filepath.Join(dir, "partials", name), []byte(content), 0o600))
	}
	inProcess(t, dir, func(t *testing.T, p *fileblob.Partials) {
		if all, err := p.All(t.Context()); len(all) != 1 || all[0].ID != partial || err != nil {
			t.Errorf("All = %v, %v", all, err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "partials")); len(left) != 1 || err != nil {
			t.Errorf("files are left: %v, %v", left, err)
		}
	})
}

// Whatever is asked for as a partial, only the one that is there is found, and
// nothing is made but what has a partial's name.
func FuzzPartialID(f *testing.F) {
	for _, seed := range []string{partial, "", ".", "..", "../lock", "A/B", "a", "A\x00", strings.Repeat("A", 64), strings.Repeat("A", 65), "..%2f", "사"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	store, err := fileblob.Open(dir, fileblob.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	partials, err := store.Partials()
	if err != nil {
		f.Fatal(err)
	}
	if err := partials.Begin(f.Context(), partial, []byte("{}")); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if _, err := partials.Look(t.Context(), id); (err == nil) != (id == partial) {
			t.Errorf("looking for %q: %v", id, err)
		}
		if id == partial {
			return
		}
		begun := partials.Begin(t.Context(), id, []byte("{}")) == nil
		if valid := id != "" && len(id) <= 64 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""; begun != valid {
			t.Errorf("a partial %q was made: %v", id, begun)
		}
		if h, err := partials.Hold(t.Context(), id); (err == nil) != begun {
			t.Errorf("holding %q: %v", id, err)
		} else if begun {
			if err := h.Remove(t.Context()); err != nil {
				t.Error(err)
			}
			h.Release()
		}
	})
}
