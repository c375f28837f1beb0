// Package accountstest holds what every accounts.Store must do, and a store in
// memory that does it, for the tests of the core and of the doors.
package accountstest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// Noon is when the tests begin.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// RunStore runs the suite; each test has an empty store of its own.
func RunStore(t *testing.T, open func(t *testing.T) accounts.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, accounts.Store){
		"accounts": testAccounts, "one account": testOneAccount, "subjects": testSubjects, "set-ups": testSetups,
		"sessions": testSessions, "most sessions": testMostSessions, "rotation": testRotation, "racing rotations": testRacingRotations,
		"devices": testDevices, "tokens": testTokens, "most tokens": testMostTokens, "new password": testNewPassword,
		"a replaced password": testReplacedPassword, "racing passwords": testRacingPasswords, "nobody": testNobody,
		"attempts": testAttempts, "racing attempts": testRacingAttempts, "tidy": testTidy,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

// equal compares and does not mind how a time is held.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// passwordHash is that of everybody.
const passwordHash = "$argon2id$v=19"

func person(id identity.Owner, name string) (accounts.Account, accounts.Keys) {
	a := accounts.Account{
		ID: id, Name: name, Email: name + "@Example.org", Role: accounts.RoleOwner, PasswordHash: passwordHash, CreatedAt: Noon,
	}
	return a, accounts.Keys{Name: name, Email: name + "@example.org"}
}

func create(t *testing.T, s accounts.Store, id identity.Owner, name string) accounts.Account {
	t.Helper()
	a, keys := person(id, name)
	must(t, s.Create(t.Context(), a, keys))
	return a
}

func testAccounts(t *testing.T, s accounts.Store) {
	must(t, s.Reachable(t.Context()))
	if n, err := s.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("an empty store counts %d, %v", n, err)
	}
	a := create(t, s, "local", "홍길동")
	if n, err := s.Count(t.Context()); n != 1 || err != nil {
		t.Errorf("it counts %d, %v", n, err)
	}
	for key, find := range map[string]func() (accounts.Account, error){
		"id":    func() (accounts.Account, error) { return s.Account(t.Context(), "local") },
		"name":  func() (accounts.Account, error) { return s.Find(t.Context(), "홍길동") },
		"email": func() (accounts.Account, error) { return s.Find(t.Context(), "홍길동@example.org") },
	} {
		got, err := find()
		must(t, err)
		equal(t, key, got, a)
	}
	for _, key := range []string{"", "홍", "%", "홍길동@Example.org", "@"} {
		_, err := s.Find(t.Context(), key)
		wantKind(t, key, err, fault.NotFound)
	}
	_, err := s.Account(t.Context(), "LOCAL")
	wantKind(t, "an id in other letters", err, fault.NotFound)
}

func testOneAccount(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	must(t, s.SetSubject(t.Context(), "a", "google:1"))
	for what, change := range map[string]func(*accounts.Account, *accounts.Keys){
		"the same id":      func(a *accounts.Account, _ *accounts.Keys) { a.ID = "a" },
		"the same name":    func(_ *accounts.Account, k *accounts.Keys) { k.Name = "ann" },
		"the same email":   func(_ *accounts.Account, k *accounts.Keys) { k.Email = "ann@example.org" },
		"the same subject": func(a *accounts.Account, _ *accounts.Keys) { a.Subject = "google:1" },
	} {
		b, keys := person("b", "ben")
		change(&b, &keys)
		wantKind(t, what, s.Create(t.Context(), b, keys), fault.Conflict)
	}
	c, keys := person("c", "cleo")
	d, more := person("d", "dora")
	keys.Email, more.Email = "", "" // any number has none
	must(t, s.Create(t.Context(), c, keys), s.Create(t.Context(), d, more))
}

func testSubjects(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	create(t, s, "b", "ben")
	_, err := s.BySubject(t.Context(), "google:1")
	wantKind(t, "nobody's subject", err, fault.NotFound)
	must(t, s.SetSubject(t.Context(), "a", "google:1"))
	if a, err := s.BySubject(t.Context(), "google:1"); err != nil || a.ID != "a" || a.Subject != "google:1" {
		t.Errorf("found %+v, %v", a, err)
	}
	wantKind(t, "a second subject", s.SetSubject(t.Context(), "a", "google:2"), fault.Conflict)
	wantKind(t, "another's subject", s.SetSubject(t.Context(), "b", "google:1"), fault.Conflict)
}

func testSetups(t *testing.T, s accounts.Store) {
	must(t, s.AddSetup(t.Context(), "one", Noon.Add(time.Hour)), s.AddSetup(t.Context(), "two", Noon.Add(2*time.Hour)))
	good := func(want string, now time.Time) {
		t.Helper()
		var got []string
		for _, hash := range []string{"one", "two", "three", ""} {
			ok, err := s.HasSetup(t.Context(), hash, now)
			must(t, err)
			if ok {
				got = append(got, hash)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("at %v %v are good, want %s", now, got, want)
		}
	}
	good("[one two]", Noon.Add(time.Hour-time.Millisecond))
	good("[two]", Noon.Add(time.Hour))
	create(t, s, "a", "ann")
	good("[]", Noon)
}

func testNewPassword(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	create(t, s, "b", "ben")
	begin(t, s, "a", 1)
	begin(t, s, "b", 2)
	added, err := s.AddToken(t.Context(), token("a", 1), passwordHash, 9)
	must(t, err, s.AddDevice(t.Context(), "a", "phone", Noon, 9))
	fresh := session("a", 3)
	must(t, s.SetPassword(t.Context(), "a", "new", &fresh))
	a, err := s.Account(t.Context(), "a")
	must(t, err)
	tokens, err := s.TokensOf(t.Context(), "a")
	must(t, err)
	device, err := s.DeviceOf(t.Context(), "phone")
	must(t, err)
	if !added || a.PasswordHash != "new" || len(tokens) != 0 || device != "" || !slices.Equal(ids(t, s, "a"), []int{3}) || !slices.Equal(ids(t, s, "b"), []int{2}) {
		t.Errorf("%+v with the tokens %v, the device of %q, the sessions %v", a, tokens, device, ids(t, s, "a"))
	}
	must(t, s.SetPassword(t.Context(), "a", "newer", nil))
	if all := ids(t, s, "a"); len(all) != 0 {
		t.Errorf("the sessions %v are left", all)
	}
}

// testReplacedPassword: whoever was let in by the password before comes too late.
func testReplacedPassword(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	must(t, s.SetPassword(t.Context(), "a", "new", nil))
	if err := s.Begin(t.Context(), session("a", 1), passwordHash, "", 9); !errors.Is(err, accounts.ErrReplaced) {
		t.Errorf("a session by the password before: %v, want ErrReplaced", err)
	}
	if added, err := s.AddToken(t.Context(), token("a", 1), passwordHash, 9); added || !errors.Is(err, accounts.ErrReplaced) {
		t.Errorf("a token by the password before: %v, %v, want ErrReplaced", added, err)
	}
	must(t, s.Begin(t.Context(), session("a", 2), "new", "", 9))
	added, err := s.AddToken(t.Context(), token("a", 2), "new", 9)
	must(t, err)
	if all := ids(t, s, "a"); !added || !slices.Equal(all, []int{2}) {
		t.Errorf("the sessions are %v; a token was added: %v", all, added)
	}
}

// testRacingPasswords begins sessions while the password is replaced: those that
// the one before let in are ended or refused.
func testRacingPasswords(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if err := s.Begin(t.Context(), session("a", n), passwordHash, "", 100); err != nil && !errors.Is(err, accounts.ErrReplaced) {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		if err := s.SetPassword(t.Context(), "a", "new", nil); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if all := ids(t, s, "a"); len(all) != 0 {
		t.Errorf("the sessions %v outlived the password that let them in", all)
	}
}

// testNobody: what is of nobody's account is not found.
func testNobody(t *testing.T, s accounts.Store) {
	create(t, s, "b", "ben")
	wantKind(t, "a subject", s.SetSubject(t.Context(), "a", "google:1"), fault.NotFound)
	wantKind(t, "a password", s.SetPassword(t.Context(), "a", "new", nil), fault.NotFound)
	wantKind(t, "a session", s.Begin(t.Context(), session("a", 1), passwordHash, "", 9), fault.NotFound)
	_, err := s.AddToken(t.Context(), token("a", 1), passwordHash, 9)
	wantKind(t, "a token", err, fault.NotFound)
	_, _, err = s.Session(t.Context(), session("a", 1).Hash)
	wantKind(t, "its session", err, fault.NotFound)
	must(t, s.TokenUsed(t.Context(), token("a", 1).ID, Noon), s.Seen(t.Context(), session("a", 1).ID, "x", Noon, true))
}

func testAttempts(t *testing.T, s accounts.Store) {
	refused := errors.New("no")
	must(t, s.Attempt(t.Context(), []string{"name:b", "address:a"}, func(known map[string]accounts.Attempts) error {
		if len(known) != 2 || known["name:b"] != (accounts.Attempts{}) {
			t.Errorf("nothing is known, and it is %v", known)
		}
		known["name:b"] = accounts.Attempts{Failures: 3, Last: Noon, Next: Noon.Add(time.Second)}
		return nil
	}))
	err := s.Attempt(t.Context(), []string{"name:b"}, func(known map[string]accounts.Attempts) error {
		equal(t, "what was kept", known, map[string]accounts.Attempts{"name:b": {Failures: 3, Last: Noon, Next: Noon.Add(time.Second)}})
		known["name:b"] = accounts.Attempts{}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("the refusal became %v", err)
	}
	must(t, s.Attempt(t.Context(), []string{"name:b"}, func(known map[string]accounts.Attempts) error {
		if known["name:b"].Failures != 3 {
			t.Errorf("what was refused was kept: %v", known)
		}
		return nil
	}))
}

func testRacingAttempts(t *testing.T, s accounts.Store) {
	const tries = 12
	var wg sync.WaitGroup
	for range tries {
		wg.Go(func() {
			err := s.Attempt(t.Context(), []string{"x", "y"}, func(known map[string]accounts.Attempts) error {
				for b, a := range known {
					a.Failures++
					known[b] = a
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	must(t, s.Attempt(t.Context(), []string{"y", "x"}, func(known map[string]accounts.Attempts) error {
		if known["x"].Failures != tries || known["y"].Failures != tries {
			t.Errorf("of %d each were counted: %v", tries, known)
		}
		return nil
	}))
}

func testTidy(t *testing.T, s accounts.Store) {
	create(t, s, "a", "ann")
	for n := range 4 {
		begin(t, s, "a", n)
	}
	must(t, s.Seen(t.Context(), session("a", 0).ID, session("a", 0).Hash, Noon.Add(time.Hour), true))
	must(t, s.AddSetup(t.Context(), "old", Noon), s.AddSetup(t.Context(), "new", Noon.Add(time.Hour)))
	count := func(known map[string]accounts.Attempts) error {
		known["x"] = accounts.Attempts{Failures: 1, Last: Noon}
		return nil
	}
	must(t, s.Attempt(t.Context(), []string{"x"}, count))
	must(t, s.Tidy(t.Context(), accounts.Ended{Sessions: Noon, Unused: Noon.Add(2 * time.Minute), Setups: Noon, Attempts: Noon}))
	if all := ids(t, s, "a"); !slices.Equal(all, []int{3}) {
		t.Errorf("the sessions %v are left", all)
	}
	old, err := s.HasSetup(t.Context(), "old", Noon.Add(-time.Hour))
	must(t, err)
	fresh, err := s.HasSetup(t.Context(), "new", Noon)
	must(t, err)
	if old || !fresh {
		t.Errorf("the ended set-up is there: %v, the other: %v", old, fresh)
	}
	must(t, s.Attempt(t.Context(), []string{"x"}, func(known map[string]accounts.Attempts) error {
		if known["x"].Failures != 0 {
			t.Errorf("the attempts are %v", known)
		}
		return nil
	}))
}
