package identity_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/identity"
)

func TestTheOwnerTravelsInTheContext(t *testing.T) {
	ctx := t.Context()
	if got := identity.OwnerFrom(ctx); got != "" {
		t.Errorf("an empty context acts for %q", got)
	}
	outer := identity.WithOwner(ctx, "mina")
	inner := identity.WithOwner(outer, identity.LocalOwner)
	if got := identity.OwnerFrom(inner); got != identity.LocalOwner {
		t.Errorf("inner context acts for %q", got)
	}
	if got := identity.OwnerFrom(outer); got != "mina" {
		t.Errorf("outer context acts for %q", got)
	}
}

func TestParseOwner(t *testing.T) {
	longest := strings.Repeat("a", identity.MaxOwnerBytes)
	for _, s := range []string{"local", "a", "0", "-", "_", "mina.k-7_x", longest[1:], longest} {
		if got, ok := identity.ParseOwner(s); !ok || string(got) != s {
			t.Errorf("%q: %q, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", ".", "..", ".mina", "Mina", "a/b", `a\b`, "a b", "a\x00", "미나", "a%2f", longest + "a"} {
		if got, ok := identity.ParseOwner(s); ok || got != "" {
			t.Errorf("%q was accepted as %q", s, got)
		}
	}
}

func TestImageIDsOfOneMillisecondKeepTheirOrder(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = identity.NewImageID(now)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("ids of one millisecond are not strictly ascending")
	}
	if later := identity.NewImageID(now.Add(time.Millisecond)); later <= ids[len(ids)-1] {
		t.Errorf("%s of the next millisecond is not after %s", later, ids[len(ids)-1])
	}
}

func TestImageIDsMadeAtOnceDiffer(t *testing.T) {
	const workers, each = 8, 200
	var (
		mu   sync.Mutex
		seen = map[string]bool{}
		wg   sync.WaitGroup
	)
	now := time.Now()
	for range workers {
		wg.Go(func() {
			for range each {
				id := identity.NewImageID(now)
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != workers*each {
		t.Errorf("%d different ids of %d", len(seen), workers*each)
	}
}

func TestAClockThatIsWrongStillGivesIDs(t *testing.T) {
	for _, now := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, 0), time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if id := identity.NewImageID(now); !identity.ValidImageID(id) {
			t.Errorf("%v gave %q", now, id)
		}
	}
}

func TestValidImageID(t *testing.T) {
	const valid = "01KAJ3E9QW5Z6Y7X8V9TSRPNMK"
	cases := map[string]bool{
		valid:                              true,
		"00000000000000000000000000":       true,
		"7ZZZZZZZZZZZZZZZZZZZZZZZZZ":       true,
		"8ZZZZZZZZZZZZZZZZZZZZZZZZZ":       false, // more than 128 bits
		strings.ToLower(valid):             false, // one spelling only
		valid[:25]:                         false,
		valid + "0":                        false,
		"":                                 false,
		"01KAJ3E9QW5Z6Y7X8V9TSRPNMI":       false, // I, L, O and U are not in the alphabet
		"01KAJ3E9QW5Z6Y7X8V9TSRPNM/":       false,
		"..%2f..%2fetc%2fpasswd0000":       false,
		"01KAJ3E9QW5Z6Y7X8V9TSRPN\x00K":    false,
		"01KAJ3E9QW5Z6Y7X8V9TSRPNſ":        false, // folds to S, in two bytes
		strings.Repeat("0", 10<<10):        false,
		"01KAJ3E9QW5Z6Y7X8V9TSRPNMK\n":     false,
		"01kaj3e9QW5Z6Y7X8V9TSRPNMK":       false,
		"\xff1KAJ3E9QW5Z6Y7X8V9TSRPNM":     false,
		"01KAJ3E9QW5Z6Y7X8V9TSRPNMU"[0:26]: false,
	}
	for s, want := range cases {
		if got := identity.ValidImageID(s); got != want {
			t.Errorf("%.40q: %v", s, got)
		}
	}
}

func TestImageTime(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 20, 30, 456e6, time.UTC)
	id := identity.NewImageID(at)
	if got := identity.ImageTime(id); !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("ImageTime(%s) = %v, want %v", id, got, at)
	}
	for _, wrong := range []string{"", "../x", strings.ToLower(id), id + "0"} {
		if got := identity.ImageTime(wrong); !got.IsZero() {
			t.Errorf("ImageTime(%q) = %v, want the zero time", wrong, got)
		}
	}
}

func TestFirstImageID(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 20, 30, 456e6, time.UTC)
	first := identity.FirstImageID(at)
	if earlier := identity.NewImageID(at.Add(-time.Millisecond)); earlier >= first {
		t.Errorf("%s, made a millisecond earlier, is not below %s", earlier, first)
	}
	if same := identity.NewImageID(at); same < first {
		t.Errorf("%s, made at the time, is below %s", same, first)
	}
	if first := identity.FirstImageID(time.Unix(-1, 0)); first > identity.NewImageID(at) {
		t.Errorf("the first id of a time before 1970 is %s", first)
	}
}

func TestDerivedImageID(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 20, 30, 456e6, time.UTC)
	id := identity.DerivedImageID(at, "inbox/anna/a.jpg 1")
	if !identity.ValidImageID(id) || !identity.ImageTime(id).Equal(at) || identity.DerivedImageID(at, "inbox/anna/a.jpg 1") != id {
		t.Errorf("%s is not an id of that time and always the same", id)
	}
	if identity.DerivedImageID(at, "inbox/anna/a.jpg 2") == id || identity.DerivedImageID(at.Add(time.Millisecond), "inbox/anna/a.jpg 1") == id {
		t.Error("another source, or another time, has the same id")
	}
}

func FuzzImageID(f *testing.F) {
	for _, seed := range []string{"01KAJ3E9QW5Z6Y7X8V9TSRPNMK", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "", "../../etc/passwd__________", "01kaj3e9qw5z6y7x8v9tsrpnmk"} {
		f.Add(seed)
	}
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	f.Fuzz(func(t *testing.T, s string) {
		canonical := len(s) == 26 && strings.Trim(s, alphabet) == "" && s[0] <= '7'
		if got := identity.ValidImageID(s); got != canonical {
			t.Errorf("%q: %v", s, got)
		}
	})
}
