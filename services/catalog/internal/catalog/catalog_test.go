package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const owner = identity.Owner("somebody")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestMonth(t *testing.T) {
	offset := func(minutes int) *int { return &minutes }
	tests := []struct {
		at     string
		offset *int
		want   string
	}{
		{"2026-10-31T23:59:59.999Z", nil, "2026-10"},
		{"2026-10-31T23:59:59.999Z", offset(0), "2026-10"},
		{"2026-10-31T15:00:00Z", offset(540), "2026-11"},
		{"2026-10-31T14:59:59Z", offset(540), "2026-10"},
		{"2026-01-01T04:59:59Z", offset(-300), "2025-12"},
		{"2026-01-01T05:45:00Z", offset(-345), "2026-01"},
		{"9999-12-31T23:00:00Z", offset(540), "9999-12"},
		{"0001-01-01T00:00:00Z", offset(-300), "0001-01"},
	}
	for _, tt := range tests {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Image{TakenAt: at, TakenOffset: tt.offset}).Month(); got != tt.want {
			t.Errorf("%s%+v counts for %s, want %s", tt.at, tt.offset, got, tt.want)
		}
	}
}

// TestChangesetKeepsCount: whatever is done to images, the months that the
// changesets add up to are those of the images outside the trash.
func TestChangesetKeepsCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		images, counts := map[string]Image{}, map[string]int64{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
			var c Changeset
			before, there := images[id]
			after := before
			after.TakenAt = noon.AddDate(0, rapid.IntRange(0, 3).Draw(t, "month"), 0)
			switch action := rapid.IntRange(0, 3).Draw(t, "action"); {
			case !there:
				c.add(after, noon)
			case action == 0:
				c.remove(before, Retired{ID: id}, noon)
			case action == 1:
				after = before.trash(noon)
				c.replace(before, after, noon)
			case action == 2:
				after = before.restore()
				c.replace(before, after, noon)
			default:
				c.replace(before, after, noon)
			}
			if images[id] = after; len(c.Delete) > 0 {
				delete(images, id)
			}
			for month, n := range c.Months {
				counts[month] += n
			}
		}
		for _, i := range images {
			if !i.trashed() {
				counts[i.Month()]--
			}
		}
		for month, n := range counts {
			if n != 0 {
				t.Errorf("%s is off by %d", month, n)
			}
		}
	})
}

func TestOwnKey(t *testing.T) {
	const id = "01KANH2Z6W8F7T3S5R0V4X1Y9Q"
	for key, want := range map[string]bool{
		"originals/20261122/" + id + ".jpg": true, "originals/20261122/" + id: true, "originals/" + id + ".tar.gz": true,
		"originals/20261122/" + id + "x.jpg": false, "originals/20261122/x" + id + ".jpg": false, "/originals/" + id: false,
		"manifests/" + id + ".json": false, "originals/" + id + "/other.jpg": false, "originals/../" + id: false, "": false,
		"originals/20261122/" + id + "." + strings.Repeat("x", 1024-46): true, "originals/20261122/" + id + "." + strings.Repeat("x", 1024-45): false,
		"originals/\xff/" + id: false,
	} {
		if got := ownKey(id, key); got != want {
			t.Errorf("ownKey(%.60q), %d bytes = %v, want %v", key, len(key), got, want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("사진.jpg", 4)
	f.Add("\xff\xfe", 1)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(n%600, -n%600)
		got := cut(s, n)
		if len(got) > n || !utf8.ValidString(got) {
			t.Errorf("cut(%q, %d) = %q", s, n, got)
		}
		if utf8.ValidString(s) && !strings.HasPrefix(s, got) {
			t.Errorf("cut(%q, %d) = %q, which it does not begin with", s, n, got)
		}
	})
}

func FuzzCursor(f *testing.F) {
	c := cursors{key: []byte("a key of the test")}
	q := PageQuery{Month: "2026-11"}
	f.Add(c.page(owner, q, Position{TakenAt: noon, ID: "01KANH2Z6W8F7T3S5R0V4X1Y9Q"}))
	f.Add(c.feed(owner, 7))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		if p, err := c.openPage(cursor, owner, q); err == nil && c.page(owner, q, *p) != cursor {
			t.Errorf("%q is another spelling of a cursor", cursor)
		}
		if seq, err := c.openFeed(cursor, owner); err == nil && c.feed(owner, seq) != cursor {
			t.Errorf("%q is another spelling of a cursor", cursor)
		}
		if _, err := (cursors{key: []byte("an older key")}).openPage(cursor, owner, q); err == nil {
			t.Errorf("%q is good under another key", cursor)
		}
	})
}

// feedStore is a store that has a feed only.
type feedStore struct {
	Store
	last    int64
	changes []Change
	err     error
}

func (s *feedStore) Key(context.Context) ([]byte, error) { return bytes.Repeat([]byte{1}, 32), nil }

func (s *feedStore) Last(context.Context, identity.Owner) (int64, error) { return s.last, s.err }

func (s *feedStore) Changes(_ context.Context, _ identity.Owner, after int64, limit int) ([]Change, error) {
	var out []Change
	for _, c := range s.changes {
		if c.Seq > after && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, nil
}

func (s *feedStore) service() *Service {
	return New(s, nil, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
}

// TestChangesThatWereForgotten: a reader is told, and never skips.
func TestChangesThatWereForgotten(t *testing.T) {
	seqs := func(all ...int64) []Change {
		var out []Change
		for _, seq := range all {
			out = append(out, Change{Seq: seq, ImageID: "x", Kind: catalogapi.ChangeAdded})
		}
		return out
	}
	tests := map[string]struct {
		store feedStore
		after int64
		want  int
		err   error
	}{
		"nothing yet":             {feedStore{}, 0, 0, nil},
		"up to date":              {feedStore{last: 5}, 5, 0, nil},
		"all there":               {feedStore{last: 5, changes: seqs(1, 2, 3, 4, 5)}, 2, 3, nil},
		"the first are forgotten": {feedStore{last: 5, changes: seqs(4, 5)}, 2, 0, ErrChangesExpired},
		"just not forgotten":      {feedStore{last: 5, changes: seqs(4, 5)}, 3, 2, nil},
		"all are forgotten":       {feedStore{last: 5}, 4, 0, ErrChangesExpired},
		"a hole":                  {feedStore{last: 5, changes: seqs(2, 3, 5)}, 1, 2, nil},
		"before the hole":         {feedStore{last: 5, changes: seqs(2, 3, 5)}, 3, 0, ErrChangesExpired},
		"an older database":       {feedStore{last: 3, changes: seqs(1, 2, 3)}, 4, 0, ErrChangesExpired},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := tt.store.service()
			ctx := identity.WithOwner(t.Context(), owner)
			c, err := s.cursors(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Changes(ctx, catalogapi.ChangesRequest{Cursor: c.feed(owner, tt.after)})
			if !errors.Is(err, tt.err) || len(got.Changes) != tt.want {
				t.Fatalf("Changes = %d, %v; want %d, %v", len(got.Changes), err, tt.want, tt.err)
			}
			if err == nil && got.Cursor != c.feed(owner, tt.after+int64(tt.want)) {
				t.Error("the cursor is not where the changes end")
			}
		})
	}
}

func TestChangesEndWithTheContext(t *testing.T) {
	s := (&feedStore{last: 1}).service()
	ctx, cancel := context.WithCancel(identity.WithOwner(t.Context(), owner))
	c, err := s.cursors(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = s.Changes(ctx, catalogapi.ChangesRequest{Cursor: c.feed(owner, 1), WaitMS: catalogapi.MaxChangesWaitMS})
	if fault.KindOf(err) != fault.Canceled {
		t.Errorf("Changes = %v, want Canceled", err)
	}
	if len(s.feed.waiting) != 0 {
		t.Error("somebody is still taken to be waiting")
	}
}

func TestBell(t *testing.T) {
	var b bell
	b.ring("nobody listens")
	one, releaseOne := b.listen("a")
	two, releaseTwo := b.listen("a")
	other, releaseOther := b.listen("b")
	b.ring("a")
	for _, rung := range []<-chan struct{}{one, two} {
		select {
		case <-rung:
		default:
			t.Error("a listener was not woken")
		}
	}
	select {
	case <-other:
		t.Error("the ring was for somebody else")
	default:
	}
	again, releaseAgain := b.listen("a")
	releaseOne() // of the ring before: it must not silence the new one
	releaseTwo()
	b.ring("a")
	select {
	case <-again:
	default:
		t.Error("a late release silenced a new listener")
	}
	releaseAgain()
	releaseOther()
	if len(b.waiting) != 0 {
		t.Errorf("%d names are kept that nobody waits for", len(b.waiting))
	}
}

// fullTrash is a store with so many images to purge.
type fullTrash struct {
	Store
	images int
}

func (s fullTrash) Expired(_ context.Context, _ time.Time, limit int) ([]Expired, error) {
	return make([]Expired, min(s.images, limit)), nil
}

func (s fullTrash) Due(context.Context, Dates) (Kept, error) { return Kept{Purged: s.images}, nil }

func TestDueCountsAllAndNamesABoundedNumber(t *testing.T) {
	for _, n := range []int{0, 999, 1000, 1001} {
		named := 0
		s := New(fullTrash{images: n}, nil, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
		done, err := s.Due(t.Context(), func(Expired) { named++ })
		if err != nil || done.Purged != n || done.Sent != n || named != min(n, 1000) {
			t.Errorf("of %d it names %d and counts %+v, %v", n, named, done, err)
		}
	}
}

// emptyStore decides about nothing that is stored, and keeps what was decided.
type emptyStore struct {
	Store
	done Changeset
}

func (s *emptyStore) Update(_ context.Context, _ Scope, decide func(Snapshot) (Changeset, error)) (err error) {
	s.done, err = decide(Snapshot{Images: map[string]Image{}, ByContent: map[string]Image{}, Retired: map[string]Retired{}})
	return err
}

// FuzzHandleEvent: whatever an event holds, it is set aside, or what is stored
// of it fits the database and can be shown.
func FuzzHandleEvent(f *testing.F) {
	const id = "01KANH2Z6W8F7T3S5R0V4X1Y9Q"
	f.Add(contract.TypeImageUploaded, []byte(`{"manifest":{"id":"`+id+`","owner":"a","name":"\u0000","key":"originals/20261122/`+id+`.jpg",
		"sha256":"`+strings.Repeat("0", 64)+`","created_at":"2026-11-22T00:00:00Z","taken_at":"0000-01-01T00:00:00-23:59","taken_offset_minutes":-9223372036854775808}}`))
	f.Add(contract.TypeImageRejected, []byte(`{"id":"`+id+`","owner":"a","code":"\ud800"}`))
	f.Add(contract.TypeImageUploaded, []byte(`null`))
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		store := &emptyStore{}
		s := New(store, nil, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
		err := s.HandleEvent(t.Context(), event.Delivery{Event: event.Event{Type: typ, Data: data}})
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatalf("HandleEvent = %v, want it set aside", err)
		}
		for _, i := range store.done.Insert {
			if _, err := json.Marshal(catalogapi.Image(i)); err != nil || len(i.Name) > MaxNameBytes || !utf8.ValidString(i.Name) || len(i.Month()) != 7 {
				t.Errorf("stored %+v (%v)", i, err)
			}
		}
		for _, r := range store.done.Retire {
			if len(r.FailCode) > MaxCodeBytes || len(r.FailDetail) > MaxDetailBytes {
				t.Errorf("retired %+v", r)
			}
		}
	})
}
