package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// hashedAhead is how many files may wait to be planned; the hashing pauses then.
const hashedAhead = 2 * batch

// ErrChanged is a file that is not what it was when the run began.
var ErrChanged = fault.New(fault.Conflict, "file_changed", "The file was changed while it was being sent. Run the command again when it is finished.")

// hash reads every item once, several at a time, and gives those on that could
// be read, with their SHA-256. Of one that an earlier run began it is known.
func (r *run) hash(ctx context.Context, group *errgroup.Group, jobs []*job) <-chan *job {
	out, todo := make(chan *job, hashedAhead), make(chan *job)
	group.Go(func() error {
		defer close(todo)
		for _, j := range jobs {
			select {
			case todo <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	workers, _ := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() error {
			for j := range todo {
				if !r.recall(j) {
					sum, err := digest(ctx, j.Item)
					if err != nil {
						r.fail(ctx, j, err)
						continue
					}
					j.File.SHA256 = sum
				}
				select {
				case out <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(out)
		return workers.Wait()
	})
	return out
}

// recall takes up what an earlier run began.
func (r *run) recall(j *job) bool {
	old, ok := r.options.Memory.recall(j.Item)
	if ok {
		j.File.SHA256 = old.SHA256
		j.session.ID, j.session.URL, j.session.Size = old.ID, old.SessionURL, int64(j.File.Size)
	}
	return ok && !r.options.DryRun
}

func digest(ctx context.Context, i *Item) (string, error) {
	file, err := i.Open(0)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, untilDone{ctx, file})
	switch {
	case err != nil:
		return "", err
	case n != int64(i.File.Size):
		return "", ErrChanged
	default:
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
