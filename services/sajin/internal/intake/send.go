package intake

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

// send sends a file and notes what became of it. What ends with ctx is left as
// it is, for the next run.
func (r *run) send(ctx context.Context, j *job) {
	if ctx.Err() != nil {
		return
	}
	result, err := r.transfer(ctx, j)
	if errors.Is(err, webclient.ErrSessionGone) { // of an earlier run, or expired meanwhile
		r.options.Memory.forget(j.Item)
		result, err = r.afresh(ctx, j)
	}
	if err == nil && result.Problem != nil {
		err = result.Problem.Fault()
	}
	if err != nil {
		r.giveUp(ctx, j, err)
		return
	}
	r.options.Memory.forget(j.Item)
	out := Result{Status: New, ID: result.ID}
	if result.Status == uploadapi.StatusDuplicate {
		out = Result{Status: Duplicate, ID: result.DuplicateOf, Trashed: result.Trashed}
	}
	r.done(ctx, j, out)
}

// giveUp notes a failure. A session is kept for the next run only where that
// can be another outcome.
func (r *run) giveUp(ctx context.Context, j *job, err error) {
	code := fault.Public(err).Code
	if code == ErrChanged.Code || code == "checksum_mismatch" {
		err = ErrChanged.With("intake.send", err)
		if j.session.URL != "" {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_ = r.gallery.Cancel(stop, j.session.URL) // else it expires
		}
	}
	if kind := fault.KindOf(err); !kind.Retryable() && ctx.Err() == nil {
		r.options.Memory.forget(j.Item)
	}
	r.fail(ctx, j, err)
}

func (r *run) transfer(ctx context.Context, j *job) (uploadapi.Result, error) {
	progress := func(n int64) { r.options.Listener.Sending(j.Item, n) }
	progress(0)
	if j.session.URL == "" { // the gallery has no sessions
		return r.gallery.SendWhole(ctx, j.File, j.checked, progress)
	}
	return r.gallery.Send(ctx, j.session, j.checked, progress)
}

// afresh plans one file again, whose session is gone.
func (r *run) afresh(ctx context.Context, j *job) (uploadapi.Result, error) {
	planned, err := r.gallery.Plan(ctx, []uploadapi.PlanFile{j.File})
	if err != nil {
		return uploadapi.Result{}, err
	}
	p := planned[0]
	if p.Status != uploadapi.StatusNew {
		return uploadapi.Result{Status: p.Status, DuplicateOf: p.DuplicateOf, Trashed: p.Trashed, Problem: p.Problem}, nil
	}
	j.session = webclient.Session{ID: p.ID, URL: p.SessionURL, Size: int64(j.File.Size), Fresh: true}
	r.options.Memory.keep(j.Item, p)
	return r.transfer(ctx, j)
}

// checked opens the item's bytes if it is still what was hashed. A change while
// they are read is found by the gallery, which compares the SHA-256.
func (j *job) checked(offset int64) (io.ReadCloser, error) {
	if j.Check != nil {
		if err := j.Check(); err != nil {
			return nil, err
		}
	}
	return j.Open(offset)
}
