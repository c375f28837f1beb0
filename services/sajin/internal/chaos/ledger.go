package chaos

import (
	"slices"
	"sync"

	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
)

// ledger is what clients were promised. Safe for concurrent use.
type ledger struct {
	mu       sync.Mutex
	promised audit.Promised
	tally    map[string]int
	answers  int // that end a call
}

func newLedger() *ledger {
	return &ledger{promised: audit.Promised{}, tally: map[string]int{}}
}

func (l *ledger) change(sum string, change func(*audit.Promise)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.promised[sum]
	change(&p)
	l.promised[sum] = p
}

// sent notes before the first byte leaves that the content may turn up.
func (l *ledger) sent(sum string) {
	l.change(sum, func(p *audit.Promise) {
		if p.Place == "" {
			p.Place = audit.Maybe
		}
	})
}

func (l *ledger) acknowledged(sum, id string) {
	l.change(sum, func(p *audit.Promise) {
		p.Place = audit.InGallery
		if !slices.Contains(p.IDs, id) {
			p.IDs = append(p.IDs, id)
		}
	})
}

func (l *ledger) put(sum string, where audit.Place) {
	l.change(sum, func(p *audit.Promise) { p.Place = where })
}

// id is by which an acknowledged content can be reached, "" where it was not
// acknowledged.
func (l *ledger) id(sum string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ids := l.promised[sum].IDs; len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// count adds one to a line of the report.
func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally[what]++
}

// answered notes that a call has come to its end.
func (l *ledger) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers++
}

func (l *ledger) allAnswers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers
}
