package argon2hasher

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

func TestAHashIsOfItsPassword(t *testing.T) {
	h := New()
	for _, password := range []string{"correct horse battery", "비밀번호를 바꾸면", strings.Repeat("x", 1024)} {
		hash, err := h.Hash(t.Context(), password)
		if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || len(hash) > 255 {
			t.Fatalf("%q, %v", hash, err)
		}
		for text, want := range map[string]bool{password: true, password + "x": false, password[:len(password)-1]: false, "": false} {
			if ok, err := h.Verify(t.Context(), hash, text); ok != want || err != nil {
				t.Errorf("%.20q for %.20q: %v, %v", text, password, ok, err)
			}
		}
	}
	one, _ := h.Hash(t.Context(), "the same password")
	two, _ := h.Hash(t.Context(), "the same password")
	if one == two {
		t.Error("two people with one password have one hash")
	}
}

func TestNobodysHashIsNeverRight(t *testing.T) {
	for _, password := range []string{"", "x"} {
		if ok, err := New().Verify(t.Context(), "", password); ok || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
}

// A hash of other parameters than today's is compared with its own.
func TestOlderHashes(t *testing.T) {
	p := parameters{memory: 64, passes: 1, lanes: 2, salt: []byte("somesalt"), key: 24}
	if ok, err := New().Verify(t.Context(), p.text(p.derive("password")), "password"); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestDamagedHashes(t *testing.T) {
	good, err := New().Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{
		"x", "$argon2id$", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1), strings.Replace(good, "m=19456", "m=4000000", 1),
		strings.Replace(good, "t=2", "t=0", 1), strings.Replace(good, "t=2", "t=1000", 1), strings.Replace(good, "p=1", "p=0", 1), good[:strings.LastIndexByte(good, '$')],
	} {
		if ok, err := New().Verify(t.Context(), hash, "password"); ok || fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("%q: %v, %v", hash, ok, err)
		}
	}
}

// At most AtOnce work, Waiting wait, and nobody waits for more than MaxWait.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		for range AtOnce {
			h.inside <- struct{}{}
			h.turn <- struct{}{} // somebody is at work
		}
		done := make(chan error, Waiting)
		start := time.Now()
		for range Waiting {
			go func() {
				_, err := h.Verify(context.Background(), "", "x")
				done <- err
			}()
		}
		synctest.Wait()
		if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, accounts.ErrBusy) || time.Since(start) != 0 {
			t.Errorf("one more is answered with %v after %v", err, time.Since(start))
		}
		for range Waiting {
			if err := <-done; !errors.Is(err, accounts.ErrBusy) || time.Since(start) != MaxWait {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		<-h.turn
		if _, err := h.Verify(t.Context(), "", "x"); err != nil {
			t.Errorf("with a place free: %v", err)
		}
		h.turn <- struct{}{}
		ctx, leave := context.WithCancel(t.Context())
		leave()
		if _, err := h.Hash(ctx, "x"); fault.KindOf(err) != fault.Canceled {
			t.Errorf("who has left: %v", err)
		}
		if len(h.inside) != AtOnce {
			t.Errorf("%d are inside", len(h.inside))
		}
	})
}

// Nobody's hash costs what a hash costs, and is none that anybody has.
func TestA02_NobodysHashIsAsDear(t *testing.T) {
	h := New()
	hash, err := h.Hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	theirs, key, err := read(hash)
	nobodys, none, err2 := read(h.nobody)
	if err != nil || err2 != nil || len(theirs.salt) != len(nobodys.salt) || len(key) != len(none) {
		t.Errorf("%q and %q: %v, %v", hash, h.nobody, err, err2)
	}
	if theirs.salt, nobodys.salt = nil, nil; !reflect.DeepEqual(theirs, nobodys) || len(hash) != len(h.nobody) || New().nobody == h.nobody {
		t.Errorf("%+v and %+v", theirs, nobodys)
	}
}
