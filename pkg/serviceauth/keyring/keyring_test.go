package keyring_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
)

// key is one key of a list, its secret filled with one letter.
func key(id, letter string, bytes int) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, bytes)))
}

func ring(t *testing.T, keys ...string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var (
	old   = key("old", "a", 32)
	young = key("new", "b", 32)
	about = keyring.Statement{Subject: "mina", Audience: "catalog"}
)

func sign(t *testing.T, r *keyring.Ring) string {
	t.Helper()
	token, err := r.Sign("test+jwt", about)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestKeysAreChecked(t *testing.T) {
	many := make([]string, keyring.MaxKeys+1)
	for i := range many {
		many[i] = key(string(rune('a'+i)), "x", 32)
	}
	long := strings.Repeat("k", keyring.MaxKeyIDBytes)
	for name, tt := range map[string]struct {
		text string
		ok   bool
	}{
		"one":               {old, true},
		"two, with a space": {old + ", " + young, true},
		"a longer one":      {key("k", "a", 64), true},
		"as many as may be": {strings.Join(many[1:], ","), true},
		"the longest id":    {key(long, "a", 32), true},
		"one too many":      {strings.Join(many, ","), false},
		"too long an id":    {key(long+"k", "a", 32), false},
		"nothing":           {"", false},
		"an end":            {old + ",", false},
		"no id":             {key("", "a", 32), false},
		"an odd id":         {key("a b", "a", 32), false},
		"one byte too few":  {key("k", "a", 31), false},
		"no base64":         {"k:secret!", false},
		"no secret":         {"k", false},
		"twice":             {old + "," + old, false},
	} {
		_, err := keyring.Parse(tt.text)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret!") || strings.Contains(err.Error(), "YWFh")) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestAStatementIsGoodForAMinuteAndTheLeeway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ring(t, old)
		token := sign(t, r)
		for _, after := range []time.Duration{0, keyring.Life, keyring.Leeway} {
			time.Sleep(after)
			if got, err := r.Verify("test+jwt", token); got != about || err != nil {
				t.Errorf("%v later: %+v, %v", after, got, err)
			}
		}
		time.Sleep(time.Second)
		if _, err := r.Verify("test+jwt", token); err == nil {
			t.Error("it is good for ever")
		}
	})
}

func TestAStatementOfAnotherKindIsNone(t *testing.T) {
	r := ring(t, old)
	token := sign(t, r)
	for _, kind := range []keyring.Kind{"", "JWT", "other+jwt"} {
		if _, err := r.Verify(kind, token); err == nil {
			t.Errorf("taken as %q", kind)
		}
	}
	if _, err := r.Verify("test+jwt", strings.Repeat("a", keyring.MaxTokenBytes+1)); err == nil {
		t.Error("a long one was taken")
	}
}

// F43: a key is added everywhere, then signs, then the old one goes; between any
// two neighbouring steps every program understands every other.
func TestF43_KeysRotateWithoutAnOutage(t *testing.T) {
	steps := []*keyring.Ring{ring(t, old), ring(t, old, young), ring(t, young, old), ring(t, young)}
	for i, signer := range steps {
		token := sign(t, signer)
		for j, verifier := range steps {
			_, err := verifier.Verify("test+jwt", token)
			if near := i-j <= 1 && j-i <= 1; near && err != nil {
				t.Errorf("step %d does not understand step %d: %v", j, i, err)
			}
		}
	}
	if _, err := steps[3].Verify("test+jwt", sign(t, steps[0])); err == nil {
		t.Error("a key that is gone is still good")
	}
	if _, err := ring(t, key("old", "b", 32)).Verify("test+jwt", sign(t, steps[0])); err == nil {
		t.Error("another key with the same id is good")
	}
}
