package catalog

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	core "github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalogtest"
)

// refusals are what a bus may answer to one event and not to the others.
var refusals = map[string]error{
	"invalid":     fault.New(fault.Invalid, "event_invalid", "The bus takes no such event."),
	"too large":   fault.New(fault.TooLarge, "event_too_large", "The event is too large."),
	"unavailable": fault.New(fault.Unavailable, "bus_error", "The bus has failed."),
	"a defect":    fault.New(fault.Internal, "defect", "It went wrong."),
}

// TestAnEventThatIsRefusedHoldsUpNoOther: whatever the bus says of the oldest, those
// behind it go out.
func TestAnEventThatIsRefusedHoldsUpNoOther(t *testing.T) {
	for name, address := range engines {
		for why, refusal := range refusals {
			t.Run(name+"/"+why, func(t *testing.T) {
				url, bus := address(t), catalogtest.NewBus()
				s := start(t, url, bus, nil)
				var all []contract.Manifest
				for _, content := range []string{"a", "b", "c"} {
					m := upload(t, s, content)
					purge(t, s, m.ID)
					all = append(all, m)
				}
				bus.Refuse(all[0].ID, refusal)
				run(t, start(t, url, bus, nil))
				for _, m := range all[1:] {
					if err := bus.AwaitPurge(bounded(t), m.ID, m.Key, 1); err != nil {
						t.Fatalf("%s waits behind one that is refused: %v", m.Name, err)
					}
				}
				if bus.Purges(all[0].ID) != 0 {
					t.Error("what is refused was published")
				}
			})
		}
	}
}

// inTime runs a test on SQLite and a clock that does not wait.
func inTime(t *testing.T, run func(t *testing.T, s *Service, bus *catalogtest.Bus)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := catalogtest.NewBus()
		// Without its clock the service looks only when it has a reason to.
		s, err := New(t.Context(), Config{Migrate: true, EventWorkers: 1}, Deps{DB: openDB(t, sqliteURL(t)), Bus: bus, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, bus)
	})
}

// purged has the service decide to purge some images.
func purged(t *testing.T, s *Service, contents ...string) (all []contract.Manifest) {
	t.Helper()
	for _, content := range contents {
		m := upload(t, s, content)
		purge(t, s, m.ID)
		all = append(all, m)
	}
	return all
}

func backlog(t *testing.T, s *Service) core.Backlog {
	t.Helper()
	b, err := s.core.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAnOutageIsNoEventsFault: however long nothing can be published, all of it
// is, soon after, and nothing was counted against an event.
func TestAnOutageIsNoEventsFault(t *testing.T) {
	for _, rows := range []int{1, 2, 3, 4, 60} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			inTime(t, func(t *testing.T, s *Service, bus *catalogtest.Bus) {
				var contents []string
				for i := range rows {
					contents = append(contents, fmt.Sprintf("%02d", i))
				}
				bus.SetDown(true)
				all := purged(t, s, contents...)
				run(t, s)
				time.Sleep(3 * time.Hour)
				if b := backlog(t, s); b.Waiting != rows || b.Aside != 0 || time.Since(b.Oldest) < 3*time.Hour {
					t.Fatalf("after three hours the outbox holds %+v", b)
				}
				tries := 0
				for _, m := range all {
					tries += bus.Tried(m.ID)
				}
				if most := 3 * 3 * 60 * 3; tries > most {
					t.Errorf("the bus was asked %d times in its absence, more than %d", tries, most)
				}
				bus.SetDown(false)
				time.Sleep(time.Minute)
				for _, m := range all {
					if bus.Purges(m.ID) != 1 {
						t.Errorf("%s was published %d times in the minute after the outage", m.Name, bus.Purges(m.ID))
					}
				}
				if n := attempts(t, s); n != 0 {
					t.Errorf("%d tries were counted", n)
				}
			})
		})
	}
}

// attempts is the sum of what was counted against events.
func attempts(t *testing.T, s *Service) (n int) {
	t.Helper()
	if err := s.deps.DB.Raw("SELECT COALESCE(SUM(attempts), 0) FROM catalog_outbox").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWhatFailsByItselfIsSetAside: an event that fails while others get through
// is tried less and less often, MaxAttempts times, and nothing is lost: once it
// is admitted again it goes out.
func TestWhatFailsByItselfIsSetAside(t *testing.T) {
	inTime(t, func(t *testing.T, s *Service, bus *catalogtest.Bus) {
		bad := purged(t, s, "bad0")[0]
		bus.Refuse(bad.ID, refusals["unavailable"])
		run(t, s)
		begun := time.Now()
		for i := 0; backlog(t, s).Aside == 0; i++ {
			if n := attempts(t, s); n >= core.MaxAttempts {
				t.Fatalf("%d tries have failed, and it is not set aside", n)
			}
			good := purged(t, s, fmt.Sprintf("%05d", i))[0]
			time.Sleep(2 * time.Minute)
			if bus.Purges(good.ID) != 1 {
				t.Fatalf("an event waits for more than two minutes, %s after the first", time.Since(begun))
			}
			if time.Since(begun) > 12*time.Hour {
				t.Fatalf("not set aside in 12 hours: %+v, %d tries", backlog(t, s), bus.Tried(bad.ID))
			}
		}
		if took := time.Since(begun); took < 3*time.Hour || attempts(t, s) != core.MaxAttempts {
			t.Errorf("set aside after %s and %d tries", took, attempts(t, s))
		}
		if b := backlog(t, s); b.Waiting != 0 || b.Aside != 1 || !strings.Contains(b.Reason, "The bus has failed.") {
			t.Errorf("the outbox holds %+v", b)
		}
		tried := bus.Tried(bad.ID)
		bus.Refuse(bad.ID, nil)
		time.Sleep(24 * time.Hour)
		if bus.Tried(bad.ID) != tried {
			t.Error("what was set aside is still tried")
		}
		if n, err := s.Readmit(t.Context()); n != 1 || err != nil {
			t.Fatalf("Readmit = %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		if bus.Purges(bad.ID) != 1 || backlog(t, s) != (core.Backlog{}) {
			t.Errorf("admitted again it was published %d times, and the outbox holds %+v", bus.Purges(bad.ID), backlog(t, s))
		}
	})
}

// TestWhatTheBusRefusesIsSetAsideAtOnce, and one that cannot be read is too.
func TestWhatTheBusRefusesIsSetAsideAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T, s *Service, bus *catalogtest.Bus) {
		bad := purged(t, s, "bad0")[0]
		bus.Refuse(bad.ID, refusals["invalid"])
		if err := s.deps.DB.Exec(`INSERT INTO catalog_outbox (body, claimed_until_ms) VALUES ('{"specversion":"1.0"}', 0)`).Error; err != nil {
			t.Fatal(err)
		}
		good := purged(t, s, "600d")[0]
		run(t, s)
		time.Sleep(time.Second)
		if b := backlog(t, s); b.Aside != 2 || b.Waiting != 0 || bus.Tried(bad.ID) != 1 || bus.Purges(good.ID) != 1 {
			t.Errorf("the outbox holds %+v; tried %d times, the other was published %d times", b, bus.Tried(bad.ID), bus.Purges(good.ID))
		}
	})
}

// TestManyThatHangLeaveRoomForOthers: those that the bus does not answer take a
// bounded part of the relay's time, and have no part in each other's fate.
func TestManyThatHangLeaveRoomForOthers(t *testing.T) {
	inTime(t, func(t *testing.T, s *Service, bus *catalogtest.Bus) {
		for i := range 20 {
			bus.Refuse(purged(t, s, fmt.Sprintf("bad%02d", i))[0].ID, catalogtest.ErrHangs)
		}
		run(t, s)
		time.Sleep(time.Hour)
		for i := range 10 {
			good := purged(t, s, fmt.Sprintf("600d%02d", i))[0]
			asked := time.Now()
			if err := bus.AwaitPurge(t.Context(), good.ID, good.Key, 1); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(asked); took > 90*time.Second {
				t.Errorf("an event waited for %s behind others that hang", took)
			}
			time.Sleep(5 * time.Minute)
		}
		if attempts(t, s) == 0 {
			t.Error("nothing is counted against events that fail while others get through")
		}
	})
}

// TestAJobSaysWhatItCouldNotPublish: it ends with an error where nothing gets
// through, and goes past an event that is refused.
func TestAJobSaysWhatItCouldNotPublish(t *testing.T) {
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			url, bus := address(t), catalogtest.NewBus()
			s := start(t, url, bus, nil)
			all := purged(t, s, "a", "b")
			none := func(Expired) {}
			bus.SetDown(true)
			if done, err := s.Keep(bounded(t), none); fault.Public(err).Code != "bus_down" || done.Sent != 0 {
				t.Errorf("without a bus: Keep = %+v, %v", done, err)
			}
			bus.SetDown(false)
			bus.Refuse(all[0].ID, refusals["too large"])
			late := start(t, url, bus, func() time.Time { return time.Now().Add(time.Minute) })
			if done, err := late.Keep(bounded(t), none); err != nil || done.Sent != 1 || done.Aside != 1 {
				t.Errorf("Keep = %+v, %v", done, err)
			}
		})
	}
}
