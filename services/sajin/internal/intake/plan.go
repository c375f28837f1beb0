package intake

import (
	"context"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

// fullAttempts is how often in a row a gallery that has too many unfinished
// uploads is asked again without one of ours being finished.
const fullAttempts = 24

// plan asks the gallery about the hashed files, batch by batch, and hands those
// on that are to be sent. Files with equal bytes wait for the first of them, so
// that they are sent once.
func (r *run) plan(ctx context.Context, hashed <-chan *job) error {
	var twins []*job
	for jobs := range batches(ctx, hashed) {
		var first []*job
		for _, j := range jobs {
			if r.seen[j.File.SHA256] {
				twins = append(twins, j)
				continue
			}
			r.seen[j.File.SHA256] = true
			first = append(first, j)
		}
		if err := r.planAll(ctx, first); err != nil {
			return err
		}
	}
	r.sending.Wait()
	if r.options.DryRun {
		for _, j := range twins {
			r.done(ctx, j, Result{Status: Duplicate})
		}
		return ctx.Err()
	}
	for jobs := range slices.Chunk(twins, batch) {
		if err := r.planAll(ctx, jobs); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// batches yields what has come in, at least one and at most batch files.
func batches(ctx context.Context, in <-chan *job) func(yield func([]*job) bool) {
	return func(yield func([]*job) bool) {
		for j := range in {
			jobs := []*job{j}
			for more := true; more && len(jobs) < batch; {
				select {
				case next, ok := <-in:
					if more = ok; ok {
						jobs = append(jobs, next)
					}
				default:
					more = false
				}
			}
			if ctx.Err() != nil || !yield(jobs) {
				return
			}
		}
	}
}

// planAll plans until every job is handed on or finished. A gallery that has too
// many unfinished uploads is asked again when one of ours is finished.
func (r *run) planAll(ctx context.Context, jobs []*job) error {
	for attempt := 0; len(jobs) > 0; attempt++ {
		before := len(jobs)
		var err error
		if jobs, err = r.planOnce(ctx, jobs, attempt >= fullAttempts); err != nil || len(jobs) == 0 {
			return err
		}
		if len(jobs) < before {
			attempt = 0
		}
		timer := time.NewTimer(r.options.FullPause)
		select {
		case <-r.freed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// planOnce gives back the jobs that the gallery has no room for yet; last makes
// that a failure.
func (r *run) planOnce(ctx context.Context, jobs []*job, last bool) (full []*job, err error) {
	var ask []*job
	for _, j := range jobs {
		if j.session.URL != "" && !r.options.DryRun {
			if err := r.handOn(ctx, j); err != nil {
				return nil, err
			}
			continue
		}
		ask = append(ask, j)
	}
	if len(ask) == 0 {
		return nil, nil
	}
	results, err := r.ask(ctx, ask)
	switch code := fault.Public(err).Code; {
	case code == webclient.CodeNoSessions:
		for _, j := range ask { // sent whole, having no session
			if err := r.handOn(ctx, j); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case err != nil && code == "too_many_uploads" && !last:
		return ask, nil
	case err != nil:
		return nil, err
	}
	for i, result := range results {
		again, err := r.planned(ctx, ask[i], result, last)
		if err != nil {
			return nil, err
		}
		if again {
			full = append(full, ask[i])
		}
	}
	return full, nil
}

func (r *run) ask(ctx context.Context, jobs []*job) ([]uploadapi.PlanResult, error) {
	files := make([]uploadapi.PlanFile, len(jobs))
	for i, j := range jobs {
		files[i] = j.File
	}
	if r.options.DryRun {
		return r.gallery.Foresee(ctx, files)
	}
	return r.gallery.Plan(ctx, files)
}

// planned does what the gallery says of a file; again says that there was no
// room for it.
func (r *run) planned(ctx context.Context, j *job, p uploadapi.PlanResult, last bool) (again bool, err error) {
	switch {
	case p.Status == uploadapi.StatusDuplicate:
		r.done(ctx, j, Result{Status: Duplicate, ID: p.DuplicateOf, Trashed: p.Trashed})
	case p.Problem != nil && noRoom(p.Problem.Code) && !last:
		return true, nil
	case p.Problem != nil:
		r.fail(ctx, j, p.Problem.Fault())
	case r.options.DryRun:
		r.done(ctx, j, Result{Status: New})
	default:
		j.session = webclient.Session{ID: p.ID, URL: p.SessionURL, Size: int64(j.File.Size), Fresh: true}
		r.options.Memory.keep(j.Item, p)
		return false, r.handOn(ctx, j)
	}
	return false, nil
}

func noRoom(code string) bool { return code == "too_many_uploads" || code == "quota_exceeded" }

func (r *run) handOn(ctx context.Context, j *job) error {
	r.sending.Add(1)
	select {
	case r.ready <- j:
		return nil
	case <-ctx.Done():
		r.sending.Done()
		return ctx.Err()
	}
}
