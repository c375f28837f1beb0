// Package intake brings many pictures into a gallery: it hashes them, asks the
// gallery what it has, sends the rest several at a time, and goes on where an
// earlier run was cut off.
//
// It knows the gallery's client, and neither where the pictures come from (a
// folder, an archive, another program) nor how a person is told of the progress.
package intake

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

// batch is how many files are planned at once. Every planned file is an open
// session until it is sent, and there may be only so many.
const batch = 100

// Item is one picture to bring in.
type Item struct {
	// Key names the picture for good, such as its absolute path: with the size
	// and the time it finds what an earlier run began.
	Key   string
	Shown string             // to a person
	File  uploadapi.PlanFile // without the SHA-256
	// FilmOf is the Key of the picture that this is the film of; "" for a picture.
	// It is sent after that, to the image that the gallery has of it.
	FilmOf string
	Open   webclient.Content
	// Check is an error when the file is not what it was when it was found; nil
	// where that cannot happen.
	Check func() error
}

// Status is what became of an item.
type Status string

// The statuses.
const (
	Left      Status = "left"      // not come to: the run was ended
	New       Status = "new"       // it is in the gallery now; in a dry run, it would be
	Duplicate Status = "duplicate" // it was there, or another file of the run is the same
	Failed    Status = "failed"
)

// Result is what became of one item.
type Result struct {
	Item    *Item
	Status  Status
	ID      string // of the image in the gallery, where it is known
	Trashed bool   // that image is in the trash
	Err     error  // of Failed
}

// Listener hears of the progress, from several goroutines at a time.
type Listener interface {
	// Sending says that an item's bytes are on their way, n of them in all.
	Sending(item *Item, n int64)
	// Done says what became of an item. It is called once for each, but not for
	// those that are left.
	Done(Result)
}

// Gallery is where the pictures go.
type Gallery interface {
	Plan(ctx context.Context, files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error)
	Foresee(ctx context.Context, files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error)
	Send(ctx context.Context, s webclient.Session, content webclient.Content, progress func(int64)) (uploadapi.Result, error)
	SendWhole(ctx context.Context, f uploadapi.PlanFile, content webclient.Content, progress func(int64)) (uploadapi.Result, error)
	Cancel(ctx context.Context, session string) error
	Receipt(ctx context.Context, ids []string) (uploadapi.Receipt, error)
}

// Options say how to bring the items in.
type Options struct {
	Concurrency int  // files sent at a time, 1 to MaxConcurrency
	DryRun      bool // nothing is sent
	Memory      *Memory
	Listener    Listener
	// FullPause is how long a gallery that has too many unfinished uploads is left
	// alone; five seconds when zero.
	FullPause time.Duration
}

// MaxConcurrency is the most files that are sent at a time.
const MaxConcurrency = 64

// Run brings the items in and says what became of each, in their order. An error
// ends the run early: the gallery cannot be asked, or ctx has ended; what was
// come to by then is in the results all the same.
func Run(ctx context.Context, g Gallery, items []Item, o Options) ([]Result, error) {
	r := &run{gallery: g, options: o, results: make([]Result, len(items)), seen: map[string]bool{}, freed: make(chan struct{}, 1)}
	if r.options.FullPause == 0 {
		r.options.FullPause = 5 * time.Second
	}
	var pictures, films []*job
	for i := range items {
		r.results[i] = Result{Item: &items[i], Status: Left}
		j := &job{Item: &items[i], at: i}
		if j.FilmOf == "" {
			pictures = append(pictures, j)
		} else {
			films = append(films, j)
		}
	}
	err := r.bring(ctx, pictures)
	if err == nil {
		err = r.bring(ctx, r.withPictures(ctx, films))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results, err
}

// bring brings the items of jobs in, of which none needs another to be there.
func (r *run) bring(ctx context.Context, jobs []*job) error {
	group, ctx := errgroup.WithContext(ctx)
	r.ready = make(chan *job)
	hashed := r.hash(ctx, group, jobs)
	for range r.options.Concurrency {
		group.Go(func() error {
			for j := range r.ready {
				r.send(ctx, j)
				r.sending.Done()
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(r.ready)
		return r.plan(ctx, hashed)
	})
	return group.Wait()
}

// run is one Run.
type run struct {
	gallery Gallery
	options Options
	ready   chan *job
	sending sync.WaitGroup
	freed   chan struct{}   // has an element when a file was finished since it was empty
	seen    map[string]bool // SHA-256 of the run's files; the planner's own
	mu      sync.Mutex
	results []Result
}

// job is an item on its way.
type job struct {
	*Item
	at      int
	session webclient.Session // URL "" until it is planned, and where the gallery has no sessions
}

// done notes what became of a job.
func (r *run) done(ctx context.Context, j *job, out Result) {
	if out.Status == Failed && ctx.Err() != nil {
		return // cut off, and left for the next run
	}
	out.Item = j.Item
	r.mu.Lock()
	r.results[j.at] = out
	r.mu.Unlock()
	r.options.Listener.Done(out)
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

func (r *run) fail(ctx context.Context, j *job, err error) {
	r.done(ctx, j, Result{Status: Failed, Err: err})
}
