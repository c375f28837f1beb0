package argon2hasher

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
)

// How times are compared. Two kinds of work differ if a Mann-Whitney U test finds
// in each of some rounds that the same one takes longer, by more than the margin.
//
// The kinds take turns at random, and so whatever else the machine does is as
// likely to hit either: of equal kinds a round finds one slower with a probability
// of 2 times 0.005, and all four rounds the same one with 2 times 0.005 to the
// fourth, 1.3e-9, on a busy machine as on a quiet one. The margin is for the few
// instructions by which an error differs from none. They are less than a
// hundredth of this cheap hash, and nothing of a real one, but a quiet machine
// might find them.
const (
	samples     = 10_000 // of each kind, in a round
	rounds      = 4
	significant = 0.005 // for one kind to be slower
	margin      = 0.02  // of the median
)

// differ reports whether two kinds of work can be told apart by their time. It
// ends with the first round that cannot.
func differ(samples int, work [2]func()) bool {
	turns := rand.New(rand.NewPCG(1, 2))
	slower := [2]bool{true, true} // in each round so far
	for range rounds {
		var times [2][]float64
		for _, turn := range turns.Perm(2 * samples) {
			kind := turn % 2
			start := time.Now()
			work[kind]()
			times[kind] = append(times[kind], float64(time.Since(start)))
		}
		for kind := range slower {
			other := times[1-kind]
			allowed := margin * median(other)
			for i := range other {
				other[i] += allowed
			}
			slower[kind] = slower[kind] && larger(times[kind], other) < significant
			for i := range other {
				other[i] -= allowed
			}
		}
		if !slower[0] && !slower[1] {
			return false
		}
	}
	return true
}

func median(all []float64) float64 {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

// larger is the probability that a has values as much larger than those of b as
// it has, if both are of one distribution: a one-sided Mann-Whitney U test, in its
// normal approximation, corrected for ties.
func larger(a, b []float64) float64 {
	type sample struct {
		value float64
		ofA   bool
	}
	var all []sample
	for _, v := range a {
		all = append(all, sample{v, true})
	}
	for _, v := range b {
		all = append(all, sample{v, false})
	}
	slices.SortFunc(all, func(x, y sample) int {
		switch {
		case x.value < y.value:
			return -1
		case x.value > y.value:
			return 1
		default:
			return 0
		}
	})
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && all[end].value == all[i].value {
			end++
		}
		for _, s := range all[i:end] {
			if s.ofA {
				ranks += float64(i+1+end) / 2
			}
		}
		n := float64(end - i)
		ties += n*n*n - n
		i = end
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - n*(n+1)/2
	variance := n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1)))
	return math.Erfc((u-n*m/2)/math.Sqrt(2*variance)) / 2
}

// The examples are computed by hand: U of 17 among 5 and 4, and ties.
func TestTheTestOfTimes(t *testing.T) {
	for _, tt := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{19, 22, 16, 29, 24}, []float64{20, 11, 17, 12}, 0.04320},
		{[]float64{20, 11, 17, 12}, []float64{19, 22, 16, 29, 24}, 1 - 0.04320},
		{[]float64{1, 2, 2, 3}, []float64{1, 2, 2, 3}, 0.5},
		{[]float64{2, 2, 2}, []float64{1, 2, 2}, 0.15866},
	} {
		if got := larger(tt.a, tt.b); math.Abs(got-tt.want) > 1e-4 {
			t.Errorf("%v and %v: %.5f, want %.5f", tt.a, tt.b, got, tt.want)
		}
	}
}

// cheap is a hash of some fifty microseconds, so that many can be measured.
var cheap = parameters{memory: 64, passes: 1, lanes: 1, key: keyBytes}

// signIns are a sign-in with a wrong password, and one with a name that is not
// known, by the core itself. Each is a day after the one before, so that none is a
// guess too many.
func signIns(t *testing.T, hasher accounts.Hasher) [2]func() {
	now := accountstest.Noon
	s := accounts.New(&accountstest.Store{}, hasher, accounts.Options{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if _, err := s.CreateOwner(t.Context(), accounts.NewAccount{Name: "minseo", Password: "correct horse battery"}); err != nil {
		t.Fatal(err)
	}
	as := func(name string) func() {
		return func() {
			now = now.Add(25 * time.Hour)
			if _, err := s.SignIn(t.Context(), name, "not the password", accounts.Visit{Address: "192.0.2.1"}); !errors.Is(err, accounts.ErrCredentials) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return [2]func(){as("minseo"), as("minsuh")}
}

// A02: nobody can tell by the time of a sign-in whether there is an account of
// that name.
func TestA02_TheTimeTellsNothing(t *testing.T) {
	if differ(samples, signIns(t, newHasher(cheap))) {
		t.Error("a name that is not known is told from a wrong password by the time that it takes")
	}
}

// hurried does not hash for nobody.
type hurried struct{ *Hasher }

func (h hurried) Verify(ctx context.Context, hash, password string) (bool, error) {
	if hash == "" {
		return false, nil
	}
	return h.Hasher.Verify(ctx, hash, password)
}

// What would tell is found: no hash for a name that is not known, or another one.
func TestA02_ADifferenceIsFound(t *testing.T) {
	half := cheap
	half.memory /= 2
	frugal := newHasher(cheap)
	frugal.nobody = newHasher(half).nobody
	for name, hasher := range map[string]accounts.Hasher{"no hash": hurried{newHasher(cheap)}, "half a hash": frugal} {
		if !differ(samples/10, signIns(t, hasher)) {
			t.Errorf("%s for a name that is not known is not found", name)
		}
	}
}
