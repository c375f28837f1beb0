package gormcatalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/schematest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

const owner = "somebody"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stores runs a test on a migrated store of each database.
func stores(t *testing.T, run func(t *testing.T, s *Store)) {
	t.Helper()
	schematest.Engines(t, func(t *testing.T, db *gorm.DB) {
		s := New(db)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		run(t, s)
	})
}

// update stores a changeset, whatever is there.
func update(t *testing.T, s *Store, c catalog.Changeset) {
	t.Helper()
	if err := s.Update(t.Context(), catalog.Scope{Owner: owner}, func(catalog.Snapshot) (catalog.Changeset, error) { return c, nil }); err != nil {
		t.Fatal(err)
	}
}

func image(n int) catalog.Image {
	return catalog.Image{
		ID: fmt.Sprintf("01KANH2Z6W8F7T3S5R0V4X%04d", n), Owner: owner, SHA256: fmt.Sprintf("%064d", n), TakenAt: noon, CreatedAt: noon,
		State: catalogapi.StateReady, Renditions: []contract.Rendition{},
	}
}

func changes(n int, at time.Time) (out []catalog.Change) {
	for range n {
		out = append(out, catalog.Change{ImageID: image(1).ID, Kind: catalogapi.ChangeUpdated, At: at})
	}
	return out
}

func TestCompactForgetsFromTheFront(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		update(t, s, catalog.Changeset{Changes: changes(5, noon)})
		update(t, s, catalog.Changeset{Changes: changes(3, noon.Add(time.Hour))})
		for _, want := range []int{2, 2, 1, 0} {
			if n, err := s.Compact(t.Context(), noon.Add(time.Minute), 2); err != nil || n != want {
				t.Fatalf("Compact = %d, %v; want %d", n, err, want)
			}
		}
		left, err := s.Changes(t.Context(), owner, 0, 100)
		if err != nil || len(left) != 3 || left[0].Seq != 6 || left[2].Seq != 8 {
			t.Errorf("%+v is left, %v; want 6 to 8", left, err)
		}
		if last, err := s.Last(t.Context(), owner); err != nil || last != 8 {
			t.Errorf("Last = %d, %v", last, err)
		}
	})
}

// TestEventsAreNotedOnce: by one owner or by two, and from the oldest they are
// forgotten, so many at a time.
func TestEventsAreNotedOnce(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		key := func(n int) string { return fmt.Sprintf("%064d", n) }
		for n := range 5 {
			update(t, s, catalog.Changeset{Take: &catalog.Taken{Key: key(n), Digest: key(n + 10), At: noon.Add(time.Duration(n) * time.Hour)}})
		}
		for _, who := range []identity.Owner{owner, "somebody-else"} {
			err := s.Update(t.Context(), catalog.Scope{Owner: who}, func(catalog.Snapshot) (catalog.Changeset, error) {
				return catalog.Changeset{Take: &catalog.Taken{Key: key(4), Digest: key(4), At: noon}, Changes: changes(1, noon)}, nil
			})
			if fault.KindOf(err) != fault.Conflict || event.JudgeError(err, 1, 5) != event.Retry {
				t.Errorf("a second note by %s: %v", who, err)
			}
			if last, err := s.Last(t.Context(), who); last != 0 || err != nil {
				t.Errorf("of a refused changeset stayed %d changes, %v", last, err)
			}
		}
		for _, want := range []int{2, 1, 0} {
			if n, err := s.Forget(t.Context(), noon.Add(3*time.Hour), 2); err != nil || n != want {
				t.Errorf("Forget = %d, %v; want %d", n, err, want)
			}
		}
		for n := range 6 {
			got := ""
			err := s.Update(t.Context(), catalog.Scope{Owner: owner, Event: key(n)}, func(snapshot catalog.Snapshot) (catalog.Changeset, error) {
				got = snapshot.Taken
				return catalog.Changeset{}, nil
			})
			if known := n == 3 || n == 4; err != nil || known && got != key(n+10) || !known && got != "" {
				t.Errorf("of event %d is known %q, %v", n, got, err)
			}
		}
	})
}

func TestOneKeyForAll(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		keys := make([][]byte, 8)
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				var err error
				if keys[i], err = New(s.db).Key(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, key := range keys {
			if len(key) != 32 || !bytes.Equal(key, keys[0]) {
				t.Fatalf("the keys differ: %x and %x", key, keys[0])
			}
		}
	})
}

func TestADecisionThatFailsChangesNothing(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		refusal := fault.New(fault.Conflict, "refused", "No.")
		err := s.Update(t.Context(), catalog.Scope{Owner: owner}, func(catalog.Snapshot) (catalog.Changeset, error) {
			return catalog.Changeset{Insert: []catalog.Image{image(1)}}, refusal
		})
		if !errors.Is(err, refusal) {
			t.Errorf("Update = %v", err)
		}
		if _, err := s.Find(t.Context(), owner, image(1).ID); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("Find = %v, want ErrNotFound", err)
		}
	})
}

// TestTheIndexDecides: what the owner's lock keeps from happening, the unique
// index would refuse, and nothing of that changeset stays.
func TestTheIndexDecides(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		update(t, s, catalog.Changeset{Insert: []catalog.Image{image(1)}})
		twin := image(2)
		twin.SHA256 = image(1).SHA256
		err := s.Update(t.Context(), catalog.Scope{Owner: owner}, func(catalog.Snapshot) (catalog.Changeset, error) {
			return catalog.Changeset{Insert: []catalog.Image{image(3), twin}, Months: map[string]int64{"2026-11": 2}, Changes: changes(2, noon)}, nil
		})
		if !errors.Is(err, gormdb.ErrDuplicate) {
			t.Errorf("Update = %v, want ErrDuplicate", err)
		}
		months, err := s.Months(t.Context(), owner)
		last, err2 := s.Last(t.Context(), owner)
		if err := errors.Join(err, err2); err != nil || len(months) != 0 || last != 0 {
			t.Errorf("of a refused changeset stayed %v, %d changes (%v)", months, last, err)
		}
		if _, err := s.Find(t.Context(), owner, image(3).ID); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("Find = %v, want ErrNotFound", err)
		}
	})
}

func TestWorkEndsWithItsContext(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range map[string]error{
			"Page":   second(s.Page(ctx, owner, catalog.PageQuery{Limit: 1})),
			"Find":   second(s.Find(ctx, owner, "x")),
			"Months": second(s.Months(ctx, owner)),
			"Last":   second(s.Last(ctx, owner)),
			"Update": s.Update(ctx, catalog.Scope{Owner: owner}, func(catalog.Snapshot) (catalog.Changeset, error) { return catalog.Changeset{}, nil }),
			"Claim":  second(s.Claim(ctx, noon, time.Minute, 1)),
		} {
			if fault.KindOf(err) != fault.Canceled {
				t.Errorf("%s = %v, want Canceled", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestEveryColumnHoldsItsLimit: what the core lets through, both databases take.
func TestEveryColumnHoldsItsLimit(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		i := image(1)
		i.Name = strings.Repeat("x", catalog.MaxNameBytes)
		i.Key = strings.Repeat("k", 1024)
		i.ContentType = strings.Repeat("c", catalog.MaxContentTypeBytes)
		i.State = catalogapi.StateProcessing
		i.FailCode, i.FailDetail = strings.Repeat("f", catalog.MaxCodeBytes), strings.Repeat("d", catalog.MaxDetailBytes)
		i.Placeholder = strings.Repeat("p", catalog.MaxPlaceholderBytes)
		i.Camera.Model = strings.Repeat("\U0001F4F7", catalog.MaxTextBytes/4)
		for range catalog.MaxRenditions {
			i.Renditions = append(i.Renditions, contract.Rendition{Key: strings.Repeat("r", 1024), Name: strings.Repeat("n", 64), ContentType: strings.Repeat("c", 127)})
		}
		update(t, s, catalog.Changeset{Insert: []catalog.Image{i}})
		got, err := s.Find(t.Context(), owner, i.ID)
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", i) {
			t.Errorf("Find = %+v, %v", got, err)
		}
	})
}
