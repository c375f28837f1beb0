package ingest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// Swept is what a sweep found and did.
type Swept struct {
	Taken     int // files of the inbox that were taken in, or moved aside
	Processed int // originals without a manifest that were taken up
	Repeated  int // manifests that were published again
	Retried   int // images without a preview that have one now
	Removed   int // renditions and notes that belonged to nothing
	Sessions  int // sessions that were finished, or given up because they had expired
	Failed    int // of all these, what will be tried again
	Young     int // what a live upload or another process may still have, and what rests after a failure
	Waiting   int // films of the inbox whose picture is not there; they stay
	// Cut is where the sweep was when its context ended; nil when it came to its end.
	Cut *Place
}

// Place is how far a sweep has come: Order.From has another go on from there.
type Place struct {
	part  int    // of the sweep's
	after string // the last object that the part has done with; "" for none
}

// Order says what a sweep is to look at.
type Order struct {
	// Now is the time to judge ages by.
	Now time.Time
	// Since: only images made since are looked at. The zero time looks at all of
	// them, and only then at what belongs to nothing.
	Since time.Time
	// From goes on where another sweep of the same Since was cut; nil begins anew.
	From *Place
	// RepeatAll publishes every manifest again, for a catalog that may lack some.
	// Otherwise those are that are young, and of the others the Turn-th of Turns
	// parts; none when Turns is 0.
	RepeatAll   bool
	Turn, Turns uint32
	// RetryFailed tries again what was kept without a preview because
	// processing it had failed.
	RetryFailed bool
	// DryRun changes nothing, and reports and counts what would be done.
	DryRun bool
	// Report hears of every step, one after the other; may be nil.
	Report func(Step)
}

// Step is one thing that a sweep does.
type Step struct {
	Do  string // such as "process"
	Key string // what it is done to
	Err error  // why it is left for later; nil when it is done
}

// SweepBy finishes what a crash, a lost event or a failed dependency left
// undone: it takes in what waits in the inbox, processes originals without a
// manifest, publishes manifests again, finishes and gives up upload sessions, and
// removes what belongs to nothing.
//
// It deletes no original (but what Process refuses) and nothing that has a
// manifest. What it removes for its age is old by two clocks, the wall's and
// that of this process, so that a clock that is set removes nothing. Sweeps may
// run at the same time as uploads, purges and each other. One object's failure
// is counted and logged; an error is returned when the bucket cannot be listed
// or ctx ends.
func (s *Service) SweepBy(ctx context.Context, o Order) (Swept, error) {
	w := &sweep{Service: s, order: o, now: o.Now, since: o.Since}
	parts := []func(context.Context) error{w.inbox, w.sessions, w.openInBucket, w.originals, w.manifests}
	if o.Since.IsZero() {
		parts = append(parts, w.endedInBucket, w.beside, w.leftovers, w.oldAttempts, w.merged)
	}
	if o.From != nil {
		w.at = *o.From
	}
	for i, part := range parts {
		if i < w.at.part {
			continue
		}
		if i > w.at.part {
			w.at = Place{part: i}
		}
		if err := part(ctx); err != nil {
			if ctx.Err() != nil {
				at := w.at
				w.done.Cut = &at
			}
			return w.done, err
		}
	}
	return w.done, nil
}

// each calls visit with every page of the objects under prefix whose keys are
// greater than after, or from where an earlier sweep was cut. A part of a sweep
// calls it once at most.
func (w *sweep) each(ctx context.Context, prefix, after string, visit func([]blob.Info) error) error {
	return w.pages(ctx, prefix, max(after, w.at.after), func(page []blob.Info) error {
		err := visit(page)
		if err == nil {
			w.at.after = page[len(page)-1].Key
		}
		return err
	})
}

type sweep struct {
	*Service
	order      Order
	now, since time.Time
	at         Place
	mu         sync.Mutex // of done, and of Report's turns
	done       Swept
}

// sweepAtOnce is how many images a sweep has in work at one time: over a network
// each is mostly waiting, and there may be thousands after a crash.
const sweepAtOnce = 8

// atOnce is sweepAtOnce, but for a report of what would be done, which is in
// order.
func (w *sweep) atOnce() int {
	if w.order.DryRun {
		return 1
	}
	return sweepAtOnce
}

// errPassed says that there is nothing to do any more.
var errPassed = errors.New("ingest: nothing is left to do")

// step does one thing, or only says it, and judges its error.
func (w *sweep) step(ctx context.Context, done *int, do, key string, act func() error) error {
	var err error
	if !w.order.DryRun {
		err = act()
	}
	if errors.Is(err, errPassed) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, errInWork) || errors.Is(err, errPaused) {
		w.done.Young++
		return ctx.Err()
	}
	if errors.Is(err, errWaits) {
		w.done.Waiting++
		do, err = "leave the film without a picture", nil
		done = new(int) // it is not done
	}
	if w.order.Report != nil && ctx.Err() == nil {
		w.order.Report(Step{Do: do, Key: key, Err: err})
	}
	return w.count(ctx, done, key, err)
}

// count judges one object's error. The caller holds mu where others are at work.
func (w *sweep) count(ctx context.Context, done *int, key string, err error) error {
	if err == nil {
		*done++
		return nil
	}
	w.done.Failed++
	if ctx.Err() == nil { // else it is the sweep that ends
		w.ports.Log.WarnContext(ctx, "the sweep leaves an object for later", "key", key, "err", err)
	}
	return ctx.Err()
}

// past reports whether something is older than age. A clock that is set forward
// makes nothing old: what the time says, the time that this process has run
// must allow.
func (w *sweep) past(at time.Time, age time.Duration) bool {
	return w.now.Sub(at) >= age && w.steady().Sub(at) >= age
}

func (w *sweep) originals(ctx context.Context) error {
	after := contract.PrefixOriginals
	if !w.since.IsZero() { // '.' sorts before '/', so the whole day is included
		after += w.since.UTC().Format("20060102") + "."
	}
	return w.each(ctx, contract.PrefixOriginals, after, func(page []blob.Info) error {
		originals, films := map[string]blob.Info{}, []blob.Info{}
		for _, info := range page {
			id, err := idOf(info.Key)
			if err != nil {
				w.ports.Log.WarnContext(ctx, "the bucket holds an original with a foreign key", "key", info.Key)
				continue
			}
			if isCompanion(id, info.Key) {
				films = append(films, info)
			} else {
				originals[id] = info
			}
		}
		if err := w.unprocessed(ctx, originals); err != nil {
			return err
		}
		for _, info := range films {
			if err := w.companion(ctx, info); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *sweep) unprocessed(ctx context.Context, originals map[string]blob.Info) error {
	lacking, err := w.withoutManifest(ctx, maps.Keys(originals))
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(w.atOnce())
	for _, id := range lacking {
		info := originals[id]
		// An age below zero is a clock's fault, and no reason to wait.
		if age := w.now.Sub(info.CreatedAt); age >= 0 && age < w.cfg.SweepAge || w.order.DryRun && w.rests(ctx, id) {
			w.leaveYoung()
			continue
		}
		group.Go(func() error {
			return w.step(ctx, &w.done.Processed, "process", info.Key, func() error {
				_, err := w.Process(ctx, info.Key)
				return unfinished(err)
			})
		})
	}
	return group.Wait()
}

func (w *sweep) leaveYoung() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done.Young++
}

// rests tells what a sweep that may try finds out by trying: that an image is in
// work, or has failed a short while ago. It changes nothing.
func (w *sweep) rests(ctx context.Context, id string) bool {
	last, err := w.lastTry(ctx, id)
	if err == nil {
		err = w.mayFollow(last, w.now)
	}
	return errors.Is(err, errInWork) || errors.Is(err, errPaused)
}

// withoutManifest lists, in order, those of the ids that have no manifest. It
// costs one listing of the ids' range instead of one call for each.
func (w *sweep) withoutManifest(ctx context.Context, ids iter.Seq[string]) ([]string, error) {
	sorted := slices.Sorted(ids)
	if len(sorted) == 0 {
		return nil, nil
	}
	first, last := sorted[0], sorted[len(sorted)-1]
	found := map[string]bool{}
	wanted := func(id string) bool { _, ok := slices.BinarySearch(sorted, id); return ok }
	err := w.pages(ctx, contract.PrefixManifests, contract.PrefixManifests+first, func(page []blob.Info) error {
		for _, info := range page {
			if id := manifestID(info.Key); wanted(id) {
				found[id] = true
			}
		}
		if page[len(page)-1].Key > contract.ManifestKey(last) {
			return errPageEnough
		}
		return nil
	})
	return slices.DeleteFunc(sorted, func(id string) bool { return found[id] }), err
}

func manifestID(key string) string {
	return strings.TrimSuffix(strings.TrimPrefix(key, contract.PrefixManifests), ".json")
}
