package chaos

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// fateHeader tells the proxy what to do with a request. The client draws it,
// so that a seed repeats it however the requests of the clients mix.
const fateHeader = "Chaos-Fate"

// Fate is what becomes of a request on its way.
type Fate string

// The fates.
const (
	Pass      Fate = "pass"
	Delay     Fate = "delay"      // it waits on the way
	CutBody   Fate = "cut-body"   // the connection breaks within the body
	CutAnswer Fate = "cut-answer" // it is carried out, and nobody hears of it
	Stall     Fate = "stall"      // its body stops, and nothing is heard for a while
	Twice     Fate = "twice"      // it arrives again when it has been answered
	Both      Fate = "both"       // it arrives twice at the same time
)

// How long the fates take.
const (
	maxDelay  = 300 * time.Millisecond
	stallTime = 2 * time.Second
)

// fates are drawn with these weights, of 100; the rest passes.
var fates = []struct {
	fate   Fate
	weight int
}{{Delay, 10}, {CutBody, 6}, {CutAnswer, 6}, {Stall, 1}, {Twice, 4}, {Both, 4}}

// lot is a fate, and how far it goes: a time for Delay, a part of the body, in
// thousandths, for CutBody and Stall.
type lot struct {
	fate Fate
	at   int
}

func draw(rnd *rand.Rand) lot {
	dice, at := rnd.IntN(100), rnd.IntN(1000)
	for _, f := range fates {
		if dice -= f.weight; dice < 0 {
			return lot{f.fate, at}
		}
	}
	return lot{Pass, at}
}

// clean reports whether a request of this fate is carried out once, and
// answered.
func (l lot) clean() bool { return l.fate == Pass || l.fate == Delay }

func (l lot) String() string { return fmt.Sprintf("%s %d", l.fate, l.at) }

func parseLot(text string) lot {
	fate, at, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(at)
	if err != nil {
		return lot{Pass, 0}
	}
	return lot{Fate(fate), n}
}
