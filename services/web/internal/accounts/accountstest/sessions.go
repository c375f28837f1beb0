package accountstest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// session is one of an account.
func session(account identity.Owner, n int) accounts.Session {
	at := Noon.Add(time.Duration(n) * time.Minute)
	return accounts.Session{
		ID: fmt.Sprintf("01KANH2Z6W8F7T3S5R0V4X%04d", n), Account: account, Hash: fmt.Sprintf("%064d", n),
		CreatedAt: at, RotatedAt: at, SeenAt: at, Address: "2001:db8::1", Agent: "Mozilla/5.0 (사진)",
	}
}

func begin(t *testing.T, s accounts.Store, account identity.Owner, n int) accounts.Session {
	t.Helper()
	one := session(account, n)
	must(t, s.Begin(t.Context(), one, passwordHash, "", 100))
	return one
}

func ids(t *testing.T, s accounts.Store, account identity.Owner) (out []int) {
	t.Helper()
	all, err := s.SessionsOf(t.Context(), account)
	must(t, err)
	for _, one := range all {
		var n int
		_, _ = fmt.Sscanf(one.ID[22:], "%d", &n)
		out = append(out, n)
	}
	return out
}

func testSessions(t *testing.T, s accounts.Store) {
	a := create(t, s, "a", "ann")
	create(t, s, "b", "ben")
	one, two := begin(t, s, "a", 1), begin(t, s, "a", 2)
	begin(t, s, "b", 3)
	got, who, err := s.Session(t.Context(), one.Hash)
	must(t, err)
	equal(t, "the session", got, one)
	equal(t, "its account", who, a)
	_, _, err = s.Session(t.Context(), "")
	wantKind(t, "no hash", err, fault.NotFound)
	if all := ids(t, s, "a"); !slices.Equal(all, []int{2, 1}) {
		t.Errorf("listed are %v", all)
	}
	must(t, s.Seen(t.Context(), one.ID, one.Hash, Noon.Add(time.Hour), true), s.Seen(t.Context(), two.ID, "another", Noon.Add(2*time.Hour), true))
	if all := ids(t, s, "a"); !slices.Equal(all, []int{1, 2}) {
		t.Errorf("listed are %v, want the last used first", all)
	}
	if got, err := s.SessionByID(t.Context(), "a", one.ID); err != nil || !got.Confirmed || !got.SeenAt.Equal(Noon.Add(time.Hour)) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = s.SessionByID(t.Context(), "b", one.ID)
	wantKind(t, "another's session", err, fault.NotFound)
	must(t, s.End(t.Context(), "b", one.ID), s.End(t.Context(), "a", two.ID), s.End(t.Context(), "a", "nothing"))
	if all := ids(t, s, "a"); !slices.Equal(all, []int{1}) {
		t.Errorf("%v are left", all)
	}
	must(t, s.AddDevice(t.Context(), "a", "phone", Noon, 20), s.EndAll(t.Context(), "a"))
	if device, err := s.DeviceOf(t.Context(), "phone"); device != "" || err != nil || len(ids(t, s, "a")) != 0 || len(ids(t, s, "b")) != 1 {
		t.Errorf("left are the device of %q, %v of a, %v of b", device, ids(t, s, "a"), ids(t, s, "b"))
	}
}

func testMostSessions(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	create(t, s, "b", "ben")
	begin(t, s, "b", 9)
	for n := range 3 {
		must(t, s.Begin(t.Context(), session("a", n+1), passwordHash, "", 3))
	}
	must(t, s.Begin(t.Context(), session("a", 4), passwordHash, session("a", 2).ID, 3))
	if all := ids(t, s, "a"); !slices.Equal(all, []int{4, 3, 1}) {
		t.Errorf("%v are left of those replaced", all)
	}
	must(t, s.Begin(t.Context(), session("a", 5), passwordHash, "", 3))
	if all := ids(t, s, "a"); !slices.Equal(all, []int{5, 4, 3}) || len(ids(t, s, "b")) != 1 {
		t.Errorf("%v are left of too many", all)
	}
}

func testRotation(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	one := begin(t, s, "a", 1)
	must(t, s.Seen(t.Context(), one.ID, one.Hash, Noon, true))
	done, err := s.Rotate(t.Context(), one.ID, one.Hash, one.Hash, "second", Noon.Add(time.Hour))
	if !done || err != nil {
		t.Fatalf("%v, %v", done, err)
	}
	for _, hash := range []string{one.Hash, "second"} {
		got, _, err := s.Session(t.Context(), hash)
		if err != nil || got.Hash != "second" || got.Previous != one.Hash || got.Confirmed || !got.RotatedAt.Equal(Noon.Add(time.Hour)) {
			t.Errorf("by %.6s: %+v, %v", hash, got, err)
		}
	}
	if done, err := s.Rotate(t.Context(), one.ID, one.Hash, one.Hash, "third", Noon); done || err != nil {
		t.Errorf("a token that is no more was replaced: %v, %v", done, err)
	}
	if done, err := s.Rotate(t.Context(), one.ID, "second", one.Hash, "fourth", Noon); !done || err != nil {
		t.Errorf("the answer that was lost: %v, %v", done, err)
	}
	_, _, err = s.Session(t.Context(), "second")
	wantKind(t, "the token that nobody got", err, fault.NotFound)
}

func testRacingRotations(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	one := begin(t, s, "a", 1)
	var wg sync.WaitGroup
	won := make(chan int, 8)
	for n := range cap(won) {
		wg.Go(func() {
			done, err := s.Rotate(t.Context(), one.ID, one.Hash, one.Hash, fmt.Sprint("new", n), Noon)
			if err != nil {
				t.Error(err)
			}
			if done {
				won <- n
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of them got a new token", len(won))
	}
}

func testDevices(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	for n := range 4 {
		must(t, s.AddDevice(t.Context(), "a", fmt.Sprint("d", n), Noon.Add(time.Duration(n)*time.Second), 3))
	}
	for hash, want := range map[string]identity.Owner{"d0": "", "d1": "a", "d3": "a", "": ""} {
		if got, err := s.DeviceOf(t.Context(), hash); got != want || err != nil {
			t.Errorf("%q is of %q, %v; want %q", hash, got, err, want)
		}
	}
}

func token(account identity.Owner, n int) accounts.Token {
	return accounts.Token{
		ID: fmt.Sprintf("01KANH2Z6W8F7T3S5R0V4X%04d", n), Account: account, Name: "노트북", Hash: fmt.Sprintf("%064d", n),
		CreatedAt: Noon.Add(time.Duration(n) * time.Minute),
	}
}

func testTokens(t *testing.T, s accounts.Store) {
	a := create(t, s, "a", "ann")
	create(t, s, "b", "ben")
	one, two := token("a", 1), token("a", 2)
	for _, tk := range []accounts.Token{one, two} {
		if added, err := s.AddToken(t.Context(), tk, passwordHash, 9); !added || err != nil {
			t.Fatal(added, err)
		}
	}
	must(t, s.TokenUsed(t.Context(), one.ID, Noon.Add(time.Hour)))
	one.UsedAt = Noon.Add(time.Hour)
	got, who, err := s.Token(t.Context(), one.Hash)
	must(t, err)
	equal(t, "the token", got, one)
	equal(t, "its account", who, a)
	all, err := s.TokensOf(t.Context(), "a")
	must(t, err)
	equal(t, "the list", all, []accounts.Token{two, one})
	must(t, s.Revoke(t.Context(), "b", one.ID), s.Revoke(t.Context(), "a", two.ID))
	_, _, err = s.Token(t.Context(), two.Hash)
	wantKind(t, "a revoked token", err, fault.NotFound)
	if _, _, err := s.Token(t.Context(), one.Hash); err != nil {
		t.Errorf("another revoked it: %v", err)
	}
}

func testMostTokens(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	var wg sync.WaitGroup
	added := make(chan bool, 8)
	for n := range cap(added) {
		wg.Go(func() {
			ok, err := s.AddToken(t.Context(), token("a", n), passwordHash, 3)
			if err != nil {
				t.Error(err)
			}
			if ok {
				added <- true
			}
		})
	}
	wg.Wait()
	if all, err := s.TokensOf(t.Context(), "a"); len(added) != 3 || len(all) != 3 || err != nil {
		t.Errorf("%d were added, %d are there, %v", len(added), len(all), err)
	}
}
