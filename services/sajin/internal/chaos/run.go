// Package chaos uploads to a Sajin through a network that cuts, delays and
// repeats, while its programs are killed, and then audits what is left. Who
// runs it learns whether something acknowledged can be lost, kept twice, or
// left behind.
//
// What clients do, what becomes of their requests and when a program is killed
// follow from a seed; how those mix is the machine's. It knows Sajin by its
// HTTP surface and its programs.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
)

// Options say how much of it.
type Options struct {
	Seed     uint64
	Uploads  int           // files in all
	Clients  int           // at once
	Kill     time.Duration // how often a program is killed, on average
	Patience time.Duration // for the whole run; what is not sent by then is not
	Settle   time.Duration // after it, until everything must be as promised
}

// Report is what a run saw.
type Report struct {
	audit.Found
	Options
	Unfinished int // clients that Patience cut off
	Kills      map[string]int
	Took       time.Duration // of the uploads
	Settled    time.Duration // until the audit found nothing
	Tally      map[string]int
	Problems   []string // what no client should see
}

// OK reports whether everything was as promised.
func (r *Report) OK() bool {
	return len(r.Findings) == 0 && len(r.Problems) == 0 && r.Unfinished == 0
}

// Run does it to a deployment that has just started and that nobody else uses,
// and leaves it running. The error is about the run itself; what it found is in
// the report.
func Run(ctx context.Context, d *Deployment, o Options) (*Report, error) {
	to, err := url.Parse(d.URL)
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	front, err := listen(ctx, newProxy(to))
	if err != nil {
		return nil, err
	}
	defer front.close()
	r := &run{d: d, o: o, base: front.url, ledger: newLedger(), report: &Report{Options: o, Kills: map[string]int{}}}
	began := time.Now()
	if err := r.storm(ctx); err != nil {
		return r.report, err
	}
	r.report.Took = time.Since(began)
	began = time.Now()
	err = r.settle(ctx)
	r.report.Settled, r.report.Tally = time.Since(began), r.ledger.tally
	return r.report, err
}

type run struct {
	d      *Deployment
	o      Options
	base   string
	ledger *ledger
	mu     sync.Mutex
	report *Report
}

func (r *run) problem(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Problems = append(r.report.Problems, fmt.Sprintf(format, args...))
}

// storm lets the clients work and kills programs until all of them are done.
func (r *run) storm(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, r.o.Patience)
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: r.o.Clients}
	defer transport.CloseIdleConnections()
	var clients sync.WaitGroup
	for i := range r.o.Clients {
		clients.Go(func() { r.client(patient, i, transport) })
	}
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	err := r.kills(ctx, done)
	if err != nil {
		cancel()
	}
	<-done
	return err
}

func (r *run) client(ctx context.Context, i int, transport *http.Transport) {
	share := r.o.Uploads / r.o.Clients
	if i < r.o.Uploads%r.o.Clients {
		share++
	}
	c := &client{
		caller: &caller{
			base: r.base, http: &http.Client{Transport: transport}, ledger: r.ledger,
			fates: rand.New(rand.NewPCG(r.o.Seed, ^uint64(i))), //nolint:gosec // a number of a client
		},
		problems: r.problem, risky: map[string]bool{},
	}
	c.run(ctx, NewPlan(r.o.Seed, i, share))
	if ctx.Err() != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Unfinished++
	}
}

// kills kills one program after the other, and starts each again at once, until
// the clients are done.
func (r *run) kills(ctx context.Context, done <-chan struct{}) error {
	rnd := rand.New(rand.NewPCG(r.o.Seed, 0))
	for {
		p := r.d.Processes[rnd.IntN(len(r.d.Processes))]
		if !r.untilKill(r.o.Kill/2+time.Duration(rnd.Int64N(int64(r.o.Kill))), done) {
			return nil
		}
		if err := p.Restart(ctx); err != nil {
			return fmt.Errorf("chaos: %w", err)
		}
		r.report.Kills[p.Name]++
	}
}

// waitFactor times the usual wait is the longest for a machine that is too slow to
// answer anybody between two kills.
const waitFactor = 10

// untilKill waits until a program is to be killed: for a while, and until some of
// the clients have come to the end of a call, so that a slow machine does not
// only start programs. It reports false when the clients are done.
func (r *run) untilKill(pause time.Duration, done <-chan struct{}) bool {
	last := time.Now().Add(waitFactor * pause)
	enough := r.ledger.allAnswers() + r.o.Clients/2
	for {
		timer := time.NewTimer(pause)
		select {
		case <-done:
			timer.Stop()
			return false
		case <-timer.C:
		}
		if r.ledger.allAnswers() >= enough || time.Now().After(last) {
			return true
		}
		pause = r.o.Kill / 10
	}
}

// settleStep is the time between two looks at what is left to do.
const settleStep = 2 * time.Second

// settle starts everything anew, which sweeps, waits until nothing is left to
// do or the time is up, stops it in good order and audits.
func (r *run) settle(ctx context.Context) error {
	if err := errors.Join(r.d.Stop(), r.d.Start(ctx)); err != nil {
		return err
	}
	until := time.Now().Add(r.o.Settle)
	for time.Now().Before(until) && ctx.Err() == nil {
		left, err := audit.Restless(ctx, r.d.Places)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		wait(ctx, settleStep)
	}
	if err := r.d.Stop(); err != nil {
		return err
	}
	var err error
	if r.report.Found, err = audit.Run(ctx, r.d.Places, r.ledger.promised); err != nil {
		return err
	}
	return r.d.Start(ctx)
}

// Lines are the report for a person.
func (r *Report) Lines() []string {
	out := []string{
		fmt.Sprintf("seed %d: %d uploads by %d clients in %s, settled in %s", r.Seed, r.Uploads, r.Clients, r.Took.Round(time.Second), r.Settled.Round(time.Second)),
		fmt.Sprintf("kills: %v", r.Kills),
	}
	for what, n := range r.Tally {
		out = append(out, fmt.Sprintf("  %-28s %d", what, n))
	}
	slices.Sort(out[2:])
	out = append(out, fmt.Sprintf("kept: %d images, %d objects, %d sessions", r.Images, r.Objects, r.Sessions))
	out = append(out, fmt.Sprintf("%d lost, %d double, %d orphans, %d ghosts, %d damaged, %d unsaid; %d problems; %d clients unfinished",
		r.Count(audit.Lost), r.Count(audit.Double), r.Count(audit.Orphan), r.Count(audit.Ghost), r.Count(audit.Damaged), r.Count(audit.Unsaid),
		len(r.Problems), r.Unfinished))
	for _, f := range r.Findings {
		out = append(out, f.String())
	}
	return append(out, r.Problems...)
}
