package ingest

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Outcome is what became of one file of a request.
type Outcome struct {
	Name     string   // cleaned
	Original Original // where it was stored
	Manifest contract.Manifest
	Ready    bool  // the manifest is written and published; otherwise that follows
	Err      error // not nil: the file is not kept
}

// Receive stores the files of one request as they arrive and processes each
// while the next comes in, Config.Ahead of them at most. The outcomes are in the
// order of the files; one file's refusal leaves the others alone. What is not
// processed Config.AnswerWithin after the last file is left to go on by itself.
//
// The film of a live photo that says of no image joins the picture of its name,
// where that came before it.
//
// An error that files yields, a body that fails and the end of ctx end the
// request and are returned; what was stored before stays and is processed.
func (s *Service) Receive(ctx context.Context, owner identity.Owner, files iter.Seq2[File, error]) ([]Outcome, error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &reception{service: s, waiting: waiting, slots: make(chan struct{}, s.cfg.Ahead), pictures: map[string]livePicture{}}
	err := r.take(ctx, owner, files)
	if err != nil {
		cancel() // nobody hears of the outcomes
	}
	patience := time.AfterFunc(s.cfg.AnswerWithin, cancel)
	defer patience.Stop()
	r.all.Wait()
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(r.outcomes))
	for i, o := range r.outcomes {
		out[i] = *o
	}
	return out, nil
}

// reception is one request in progress.
type reception struct {
	service  *Service
	waiting  context.Context // for the processing, not for the storing
	slots    chan struct{}
	all      sync.WaitGroup
	outcomes []*Outcome
	pictures map[string]livePicture // that a film may follow, by name without extension
}

// livePicture is an image that a film may belong to, and how likely.
type livePicture struct {
	id   string
	rank int
}

// pair notes a picture that a film may follow.
func (r *reception) pair(o Original) {
	rank, stem := liveRank(o.Name), stemOf(o.Name)
	if other, there := r.pictures[stem]; rank >= 0 && (!there || rank < other.rank) {
		r.pictures[stem] = livePicture{o.ID, rank}
	}
}

func (r *reception) take(ctx context.Context, owner identity.Owner, files iter.Seq2[File, error]) error {
	for f, err := range files {
		if err != nil {
			return err
		}
		if err := r.takeOne(ctx, owner, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *reception) takeOne(ctx context.Context, owner identity.Owner, f File) error {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return &BodyError{ctx.Err()}
	}
	o := &Outcome{Name: CleanName(f.Name)}
	if isFilmName(o.Name) {
		f.Beside = r.pictures[stemOf(o.Name)].id
	}
	original, err := r.service.Store(ctx, owner, f)
	if cut := (*BodyError)(nil); errors.As(err, &cut) {
		<-r.slots
		return err
	}
	r.outcomes = append(r.outcomes, o)
	if err != nil {
		o.Err = err
		<-r.slots
		return nil
	}
	o.Original = original
	r.pair(original)
	r.all.Go(func() {
		defer func() { <-r.slots }()
		r.process(o)
	})
	return nil
}

// process waits for the work on a stored file.
func (r *reception) process(o *Outcome) { r.service.await(r.waiting, o) }

// await processes a stored file. Only a refusal is the file's end: after any
// other error it is safe where it is, and is taken up again.
func (s *Service) await(waiting context.Context, o *Outcome) {
	m, err := s.processed(waiting, o.Original.Key)
	refused := (*Refused)(nil)
	switch {
	case err == nil:
		o.Manifest, o.Ready = m, true
	case errors.As(err, &refused):
		o.Err = refused
	case errors.Is(err, errClosed):
		s.ports.Log.InfoContext(waiting, "the service stops; the rest is left to the sweep", "key", o.Original.Key)
	case waiting.Err() == nil:
		s.ports.Log.WarnContext(waiting, "processing is left to the sweep", "key", o.Original.Key, "err", err)
	}
}

// processed is Process, or the outcome of another process that is at it.
func (s *Service) processed(waiting context.Context, key string) (contract.Manifest, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		m, err := s.Process(waiting, key)
		if !errors.Is(err, errInWork) {
			return m, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-waiting.Done():
			timer.Stop()
			return m, err
		}
	}
}
