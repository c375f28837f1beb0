package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// items makes one item of each content.
func items(contents ...string) []intake.Item {
	out := make([]intake.Item, len(contents))
	for i, c := range contents {
		name := fmt.Sprintf("%d.jpg", i)
		out[i] = intake.Item{
			Key: name, Shown: name, File: uploadapi.PlanFile{Name: name, Size: uploadapi.Length(len(c))},
			Open: func(offset int64) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader([]byte(c)[offset:])), nil
			},
		}
	}
	return out
}

// heard counts what a listener is told.
type heard struct {
	mu   sync.Mutex
	done map[string]int
}

func (*heard) Sending(*intake.Item, int64) {}

func (h *heard) Done(r intake.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done == nil {
		h.done = map[string]int{}
	}
	h.done[r.Item.Shown]++
}

func run(t *testing.T, g *gallery, in []intake.Item, change ...func(*intake.Options)) ([]intake.Result, error) {
	t.Helper()
	h := &heard{}
	o := intake.Options{Concurrency: 3, Listener: h, FullPause: time.Millisecond}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := intake.Run(ctx, g, in, o)
	if len(got) != len(in) {
		t.Fatalf("%d results of %d items", len(got), len(in))
	}
	for i, r := range got {
		want := 1
		if r.Status == intake.Left {
			want = 0
		}
		if r.Item != &in[i] || h.done[in[i].Shown] != want {
			t.Errorf("result %d is of %v, and was told %d times", i, r.Item, h.done[in[i].Shown])
		}
	}
	return got, err
}

func statuses(results []intake.Result) string {
	var out []string
	for _, r := range results {
		out = append(out, string(r.Status))
	}
	return strings.Join(out, " ")
}

// either gives the statuses of files with equal bytes: which of them was hashed
// first, and is the one that is sent, is chance.
func either(twins ...intake.Result) string {
	slices.SortFunc(twins, func(a, b intake.Result) int { return strings.Compare(string(a.Status), string(b.Status)) })
	return statuses(twins)
}

// A film is sent after its picture, to the image that the gallery has of that;
// without one it is not sent at all.
func TestFilmsFollowTheirPictures(t *testing.T) {
	g := newGallery()
	g.has[digest([]byte("known"))] = "old"
	in := items("film of new", "new", "film of known", "known", "film of none", "none")
	in[0].FilmOf, in[2].FilmOf, in[4].FilmOf = in[1].Key, in[3].Key, in[5].Key
	in[5].Open = func(int64) (io.ReadCloser, error) { return nil, errors.New("unreadable") }
	got, err := run(t, g, in)
	if err != nil || statuses(got) != "new new new duplicate failed failed" {
		t.Errorf("%s, %v", statuses(got), err)
	}
	slices.Sort(g.films)
	if want := []string{"0.jpg of id-" + digest([]byte("new"))[:8], "2.jpg of old"}; !slices.Equal(g.films, want) {
		t.Errorf("planned %q, want %q", g.films, want)
	}
	if code := fault.Public(got[4].Err).Code; code != "companion_without_image" {
		t.Errorf("a film without its picture: %q", code)
	}
	foreseen, err := run(t, newGallery(), in[:2], func(o *intake.Options) { o.DryRun = true })
	if err != nil || statuses(foreseen) != "new new" {
		t.Errorf("in a dry run: %s, %v", statuses(foreseen), err)
	}
}

func TestWhatIsThereIsNotSent(t *testing.T) {
	g := newGallery()
	g.has[digest([]byte("b"))] = "old"
	got, err := run(t, g, items("a", "b", "c", "a"))
	if first := either(got[0], got[3]); err != nil || first != "duplicate new" || got[1].Status != intake.Duplicate || got[2].Status != intake.New {
		t.Fatalf("%s, %v", statuses(got), err)
	}
	slices.Sort(g.sent)
	if strings.Join(g.sent, "") != "ac" || got[1].ID != "old" || got[3].ID != got[0].ID {
		t.Errorf("sent %q; %+v", g.sent, got)
	}
	if again, err := run(t, g, items("a", "b", "c", "a")); err != nil || statuses(again) != "duplicate duplicate duplicate duplicate" || len(g.sent) != 2 {
		t.Errorf("again: %s, %v, %d sent", statuses(again), err, len(g.sent))
	}
}

func TestManyFiles(t *testing.T) {
	g := newGallery()
	var contents []string
	for i := range 1050 {
		contents = append(contents, fmt.Sprint("content ", i))
	}
	got, err := run(t, g, items(contents...))
	if err != nil || len(g.sent) != len(contents) || slices.Max(g.plans) > 100 || g.mostOnce > 3 {
		t.Fatalf("%v; %d sent, plans of %d, %d at once", err, len(g.sent), slices.Max(g.plans), g.mostOnce)
	}
	receipt, err := intake.Receipt(t.Context(), g, append(got, got[0]))
	if err != nil || len(receipt.Files) != len(contents) || len(receipt.Missing) != 0 {
		t.Errorf("a receipt of %d files, %d missing, %v", len(receipt.Files), len(receipt.Missing), err)
	}
}

// A gallery that takes few unfinished uploads gets no more at a time.
func TestAFullGalleryIsWaitedFor(t *testing.T) {
	g := newGallery()
	g.room = 2
	if got, err := run(t, g, items("a", "b", "c", "d", "e", "f")); err != nil || len(g.sent) != 6 {
		t.Fatalf("%s, %v", statuses(got), err)
	}
	g = newGallery()
	g.room = 1
	g.open["/other"] = "of another client, for ever"
	got, err := run(t, g, items("a"))
	if err != nil || statuses(got) != "failed" || fault.Public(got[0].Err).Code != "too_many_uploads" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDryRunSendsNothing(t *testing.T) {
	g := newGallery()
	g.has[digest([]byte("b"))] = "old"
	got, err := run(t, g, items("a", "b", "a"), func(o *intake.Options) { o.DryRun = true })
	if first := either(got[0], got[2]); err != nil || first != "duplicate new" || got[1].Status != intake.Duplicate || !got[1].Trashed || len(g.plans) != 0 || len(g.sent) != 0 {
		t.Errorf("%s, %v; planned %v, sent %v", statuses(got), err, g.plans, g.sent)
	}
}

func TestAGalleryWithoutSessions(t *testing.T) {
	g := newGallery()
	g.planErr = fault.New(fault.Unsupported, webclient.CodeNoSessions, "")
	if got, err := run(t, g, items("a", "b")); err != nil || statuses(got) != "new new" || len(g.sent) != 2 {
		t.Errorf("%s, %v", statuses(got), err)
	}
}

// Without the gallery the run ends, and says so once and not for each file.
func TestAGalleryThatIsAway(t *testing.T) {
	g := newGallery()
	g.planErr = fault.New(fault.Unavailable, "away", "")
	if got, err := run(t, g, items("a", "b")); fault.KindOf(err) != fault.Unavailable || statuses(got) != "left left" {
		t.Errorf("%s, %v", statuses(got), err)
	}
}

func TestOneFilesFailureLeavesTheOthersAlone(t *testing.T) {
	g := newGallery()
	in := items("a", "b", "c", "d")
	broken := errors.New("unreadable")
	in[1].Open = func(int64) (io.ReadCloser, error) { return nil, broken }
	reads := 0
	in[2].Open = func(int64) (io.ReadCloser, error) { // another file at the second look
		reads++
		return io.NopCloser(strings.NewReader(string(rune('w' + reads)))), nil
	}
	in[3].File.Size = 7
	got, err := run(t, g, in)
	if err != nil || statuses(got) != "new failed failed failed" {
		t.Fatalf("%s, %v", statuses(got), err)
	}
	if !errors.Is(got[1].Err, broken) || !errors.Is(got[2].Err, intake.ErrChanged) || !errors.Is(got[3].Err, intake.ErrChanged) {
		t.Errorf("%v; %v; %v", got[1].Err, got[2].Err, got[3].Err)
	}
	if len(g.open) != 0 {
		t.Errorf("sessions are left open: %v", g.open)
	}
}

func memory(t *testing.T, dir string, now time.Time) *intake.Memory {
	t.Helper()
	m, err := intake.OpenMemory(dir, "http://gallery.test", now)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A run that was ended goes on with the sessions it had; what it sent is known.
func TestARunGoesOn(t *testing.T) {
	g, dir := newGallery(), t.TempDir()
	remember := func(o *intake.Options) { o.Memory, o.Concurrency = memory(t, dir, time.Now()), 1 }
	ctx, cancel := context.WithCancel(t.Context())
	first := true
	g.sending = func(sendCtx context.Context, _ webclient.Session) error {
		if first {
			first = false
			return nil
		}
		cancel()
		<-sendCtx.Done()
		return sendCtx.Err()
	}
	o := intake.Options{Listener: &heard{}}
	remember(&o)
	in := items("a", "b")
	got, err := intake.Run(ctx, g, in, o)
	if !errors.Is(err, context.Canceled) || len(g.sent) != 1 {
		t.Fatalf("%s, %v", statuses(got), err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("remembered: %v, %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: a session's address is a secret", info.Mode(), err)
	}
	g.sending = func(_ context.Context, s webclient.Session) error {
		if s.Fresh {
			t.Error("a new session was opened")
		}
		return nil
	}
	if got, err := run(t, g, items("a", "b"), remember); err != nil || len(g.sent) != 2 || len(g.open) != 0 {
		t.Errorf("%s, %v; sent %q, open %v", statuses(got), err, g.sent, g.open)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
		t.Errorf("still remembered: %v", files)
	}
}

// What is remembered and gone on the server is planned again; what has expired
// is not even asked for.
func TestForgottenSessions(t *testing.T) {
	g, dir := newGallery(), t.TempDir()
	away := fault.New(fault.Unavailable, "away", "")
	g.sending = func(context.Context, webclient.Session) error { return away }
	keep := func(o *intake.Options) { o.Memory = memory(t, dir, time.Now()) }
	if got, err := run(t, g, items("a"), keep); err != nil || statuses(got) != "failed" {
		t.Fatalf("%s, %v", statuses(got), err)
	}
	clear(g.open)
	g.sending = nil
	if got, err := run(t, g, items("a"), keep); err != nil || statuses(got) != "new" || len(g.plans) != 2 {
		t.Errorf("gone: %s, %v, %v", statuses(got), err, g.plans)
	}
	g.sending = func(context.Context, webclient.Session) error { return away }
	if _, err := run(t, g, items("b"), keep); err != nil {
		t.Fatal(err)
	}
	memory(t, dir, time.Now().Add(2*time.Hour))
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
		t.Errorf("expired and still remembered: %v", files)
	}
}
