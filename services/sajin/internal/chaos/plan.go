package chaos

import (
	"fmt"
	"math/rand/v2"
)

// Verb is what a client does in one step.
type Verb string

// The verbs.
const (
	Form    Verb = "form"    // up to maxForm files in one request
	Session Verb = "session" // a plan, then every file through a session of its own
	Trash   Verb = "trash"   // an own picture, then perhaps one of the next
	Restore Verb = "restore"
	Purge   Verb = "purge"
)

const (
	maxForm    = 20
	maxSession = 6
	pool       = 24 // pictures that all clients have
)

// Step is one step of a client.
type Step struct {
	Verb  Verb
	Files []File // of Form and Session
	Of    File   // of the others: one that the client has sent before
}

// Plan is what one client does, one step after the other. Nothing in it depends
// on what happens meanwhile.
type Plan []Step

// NewPlan makes a client's plan of so many files. The same seed and client give
// the same plan.
func NewPlan(seed uint64, client, files int) Plan {
	p := &planner{rnd: rand.New(rand.NewPCG(seed, uint64(client)+1)), //nolint:gosec // counted from 0
		seed: seed, client: client}
	for p.made < files {
		switch dice := p.rnd.IntN(100); {
		case dice < 45:
			p.send(Form, min(1+p.rnd.IntN(1+p.rnd.IntN(maxForm)), files-p.made))
		case dice < 80:
			p.send(Session, min(1+p.rnd.IntN(maxSession), files-p.made))
		case len(p.own) > 0:
			p.afterlife()
		}
	}
	return p.plan
}

type planner struct {
	rnd    *rand.Rand
	seed   uint64
	client int
	made   int
	own    []File // those that only this client sends, and only once
	again  []File // those that it may send again
	plan   Plan
}

func (p *planner) send(verb Verb, n int) {
	step := Step{Verb: verb}
	for range n {
		step.Files = append(step.Files, p.file())
		p.made++
	}
	p.plan = append(p.plan, step)
}

func (p *planner) file() File {
	f := File{Kind: Good, Seed: p.rnd.Uint64(), Name: fmt.Sprintf("IMG_%d_%04d.jpg", p.client, p.made), Long: p.rnd.IntN(longFiles) == 0}
	switch dice := p.rnd.IntN(100); {
	case dice < 5:
		f.Kind, f.Long = Wrong, false
	case dice < 9: // one that other clients have too
		f.Kind, f.Seed, f.Long = Duplicate, p.seed^(1+p.rnd.Uint64N(pool)), false
	case dice < 13 && len(p.again) > 0:
		other := p.again[p.rnd.IntN(len(p.again))]
		f.Kind, f.Seed, f.Long = Duplicate, other.Seed, other.Long
	case dice < 50:
		p.again = append(p.again, f)
	default:
		p.own = append(p.own, f)
	}
	return f
}

// afterlife trashes one of the client's own, and then leaves it there, restores
// it, or deletes it for good.
func (p *planner) afterlife() {
	at := p.rnd.IntN(len(p.own))
	f := p.own[at]
	p.own = append(p.own[:at:at], p.own[at+1:]...)
	p.plan = append(p.plan, Step{Verb: Trash, Of: f})
	switch p.rnd.IntN(3) {
	case 0:
		p.plan = append(p.plan, Step{Verb: Restore, Of: f})
	case 1:
		p.plan = append(p.plan, Step{Verb: Purge, Of: f})
	}
}
