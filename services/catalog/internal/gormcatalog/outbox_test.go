package gormcatalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

func TestTheOutboxIsClaimed(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		for i := range 3 {
			update(t, s, catalog.Changeset{Outbox: []event.Event{{ID: fmt.Sprint(i), Source: contract.SourceCatalog, Type: "x", Time: noon, Data: []byte(`{"a":1}`)}}})
		}
		claim := func(now time.Time, limit int, want ...string) []int64 {
			t.Helper()
			all, err := s.Claim(t.Context(), now, time.Minute, limit)
			var ids []int64
			var events []string
			for _, m := range all {
				ids, events = append(ids, m.ID), append(events, m.Event.ID)
			}
			if err != nil || fmt.Sprint(events) != fmt.Sprint(want) {
				t.Fatalf("Claim = %v, %v; want %v", events, err, want)
			}
			return ids
		}
		first := claim(noon, 2, "0", "1")
		third := claim(noon, 2, "2")
		claim(noon.Add(time.Minute-time.Millisecond), 9)
		if err := s.Release(t.Context(), third); err != nil {
			t.Fatal(err)
		}
		claim(noon, 9, "2")
		if err := s.Sent(t.Context(), first[:1]); err != nil {
			t.Fatal(err)
		}
		claim(noon.Add(time.Minute), 9, "1", "2") // whoever claimed them is gone
		if err := errors.Join(s.Sent(t.Context(), nil), s.Release(t.Context(), nil)); err != nil {
			t.Error(err)
		}
	})
}

// said is an event about something.
func said(id, subject string) event.Event {
	return event.Event{ID: id, Source: contract.SourceCatalog, Type: "x", Subject: subject, Time: noon}
}

// claimed are the events that can be claimed at a time; they are given back.
func claimed(t *testing.T, s *Store, now time.Time) string {
	t.Helper()
	all, err := s.Claim(t.Context(), now, time.Minute, 9)
	var ids []int64
	var events []string
	for _, m := range all {
		ids, events = append(ids, m.ID), append(events, m.Event.ID)
	}
	if err := errors.Join(err, s.Release(t.Context(), ids)); err != nil {
		t.Fatal(err)
	}
	return strings.Join(events, " ")
}

// TestTheOutboxKeepsTheOrderOfASubject, and of nothing else: what is put off, or
// claimed by somebody else, holds up its like, and what is set aside nobody.
func TestTheOutboxKeepsTheOrderOfASubject(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		long := strings.Repeat("가", catalog.MaxTextBytes/3)
		update(t, s, catalog.Changeset{Outbox: []event.Event{
			said("a1", "a"), said("b1", "b"), said("a2", "a"), said("none1", ""), said("none2", ""), said("b2", "b"), said("long1", long), said("long2", long),
		}})
		want := func(when time.Duration, want string) {
			t.Helper()
			if got := claimed(t, s, noon.Add(when)); got != want {
				t.Errorf("after %s can be claimed %q, want %q", when, got, want)
			}
		}
		want(0, "a1 b1 none1 none2 long1")
		first, err := s.Claim(t.Context(), noon, time.Minute, 2)
		if err != nil || len(first) != 2 {
			t.Fatalf("Claim = %+v, %v", first, err)
		}
		want(0, "none1 none2 long1")
		err = s.PutOff(t.Context(), []catalog.Failure{
			{ID: first[0].ID, Attempts: 3, At: noon, Until: noon.Add(time.Hour), Reason: "later"},
			{ID: first[1].ID, At: noon, Aside: true, Reason: strings.Repeat("never ", 200)},
		})
		if err != nil {
			t.Fatal(err)
		}
		want(time.Hour-time.Millisecond, "none1 none2 b2 long1")
		want(time.Hour, "none1 none2 b2 long1 a1")
		want(100*365*24*time.Hour, "none1 none2 b2 long1 a1")
		again, err := s.Claim(t.Context(), noon.Add(time.Hour), time.Minute, 9)
		if err != nil || len(again) != 5 || again[4].Attempts != 3 || !again[4].FailedAt.Equal(noon) || !again[0].FailedAt.IsZero() {
			t.Fatalf("Claim = %+v, %v", again, err)
		}
		if err := s.Sent(t.Context(), []int64{again[4].ID}); err != nil {
			t.Fatal(err)
		}
		want(time.Hour, "a2")
		if n, err := s.Readmit(t.Context()); n != 1 || err != nil {
			t.Errorf("Readmit = %d, %v", n, err)
		}
		want(2*time.Hour, "b1 a2 none1 none2 long1")
	})
}

func TestTheBacklogIsCounted(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		want := func(want catalog.Backlog) {
			t.Helper()
			if got, err := s.Backlog(t.Context()); got != want || err != nil {
				t.Errorf("Backlog = %+v, %v; want %+v", got, err, want)
			}
		}
		want(catalog.Backlog{})
		update(t, s, catalog.Changeset{Outbox: []event.Event{said("a", "a"), said("b", "b"), said("b again", "b")}})
		want(catalog.Backlog{Waiting: 3, Oldest: noon, Next: time.UnixMilli(0).UTC()})
		all, err := s.Claim(t.Context(), noon, time.Minute, 9)
		if err != nil {
			t.Fatal(err)
		}
		later := noon.Add(time.Hour)
		err = s.PutOff(t.Context(), []catalog.Failure{{ID: all[0].ID, At: noon, Aside: true, Reason: "It is wrong."}, {ID: all[1].ID, At: noon, Until: later}})
		if err != nil {
			t.Fatal(err)
		}
		want(catalog.Backlog{Waiting: 2, Oldest: noon, Next: later, Aside: 1, Reason: "It is wrong."})
	})
}

// TestAnOlderProgramSharesTheOutbox: what it writes is sent, and by its rules it
// takes nothing that was set aside, nor what is put off.
func TestAnOlderProgramSharesTheOutbox(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		update(t, s, catalog.Changeset{Outbox: []event.Event{said("bad", "a"), said("slow", "b")}})
		all, err := s.Claim(t.Context(), noon, time.Minute, 9)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutOff(t.Context(), []catalog.Failure{{ID: all[0].ID, At: noon, Aside: true}, {ID: all[1].ID, At: noon, Until: noon.Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
		body := `{"specversion":"1.0","id":"old","source":"/services/catalog","type":"x","subject":"a"}`
		if err := s.db.Exec("INSERT INTO catalog_outbox (body, claimed_until_ms) VALUES (?, 0)", body).Error; err != nil {
			t.Fatal(err)
		}
		var ids []int64
		if err := s.db.Raw("SELECT id FROM catalog_outbox WHERE claimed_until_ms <= ? ORDER BY id", noon.UnixMilli()).Scan(&ids).Error; err != nil || len(ids) != 1 {
			t.Errorf("it takes %v, %v; want what it wrote", ids, err)
		}
		if got := claimed(t, s, noon); got != "old" {
			t.Errorf("of its event and those that failed is claimed %q", got)
		}
	})
}
