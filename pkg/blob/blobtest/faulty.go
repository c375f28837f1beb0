package blobtest

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Mode is how a call fails.
type Mode int

// The ways to fail.
const (
	// FailBefore: nothing is done, and the call fails.
	FailBefore Mode = iota
	// FailAfter: it is done, and the call fails all the same, as when the answer
	// is lost on its way.
	FailAfter
	// ShortData: Put stores only the first Faults.Bytes bytes and reports
	// success, with an Info that tells; the reader of Open ends with
	// io.ErrUnexpectedEOF after that many. Other calls fail as FailBefore.
	ShortData
	// Hang: nothing is done, and the call fails when its context ends.
	Hang
)

// Modes lists every mode, for loops that try all.
func Modes() []Mode { return []Mode{FailBefore, FailAfter, ShortData, Hang} }

// String is the mode's name, for subtests.
func (m Mode) String() string {
	return [...]string{"fail-before", "fail-after", "short-data", "hang"}[m]
}

// Faults is a plan: the At-th call fails, and no other. Several decorators may
// share one plan, so that a loop over At = 1, 2, 3… until a run no longer
// Fired tries every call of a scenario. The fields must not change once it is
// in use; the methods are safe for concurrent use.
type Faults struct {
	At    int64 // counted from 1; 0 never fails, and counts
	Mode  Mode
	Err   error // blob.ErrUnavailable when nil
	Bytes int64 // for ShortData

	calls atomic.Int64
}

// Calls is the number of calls so far.
func (f *Faults) Calls() int64 { return f.calls.Load() }

// Fired reports whether the call to fail has come.
func (f *Faults) Fired() bool { return f.At > 0 && f.Calls() >= f.At }

// next counts a call and reports whether it is the one to fail.
func (f *Faults) next() bool { return f.calls.Add(1) == f.At }

func (f *Faults) err() error {
	if f.Err != nil {
		return f.Err
	}
	return blob.ErrUnavailable
}

// Do counts a call of any port and performs it, or fails it, by the plan. It is
// what the decorator of another port needs to share the plan.
func (f *Faults) Do(ctx context.Context, call func() error) error {
	if !f.next() {
		return call()
	}
	switch f.Mode {
	case FailAfter:
		if err := call(); err != nil {
			return err
		}
	case Hang:
		<-ctx.Done()
		return ctx.Err()
	case FailBefore, ShortData:
	}
	return f.err()
}

// Faulty is a store that fails by plan. It holds no data.
type Faulty struct {
	store  blob.Store
	faults *Faults
}

var _ blob.Store = (*Faulty)(nil)

// NewFaulty decorates store.
func NewFaulty(store blob.Store, faults *Faults) *Faulty {
	return &Faulty{store: store, faults: faults}
}

// Put implements blob.Store.
func (s *Faulty) Put(ctx context.Context, key string, r io.Reader, opts blob.WriteOptions) (info blob.Info, err error) {
	if s.faults.Mode == ShortData {
		if s.faults.next() {
			r, opts.Size = io.LimitReader(r, s.faults.Bytes), 0
		}
		return s.store.Put(ctx, key, r, opts)
	}
	err = s.faults.Do(ctx, func() (err error) {
		info, err = s.store.Put(ctx, key, r, opts)
		return err
	})
	if err != nil {
		return blob.Info{}, err
	}
	return info, nil
}

// Open implements blob.Store.
func (s *Faulty) Open(ctx context.Context, key string, offset, length int64) (body io.ReadCloser, info blob.Info, err error) {
	if s.faults.Mode == ShortData {
		short := s.faults.next()
		body, info, err = s.store.Open(ctx, key, offset, length)
		if err == nil && short {
			body = &cutReader{ReadCloser: body, left: s.faults.Bytes}
		}
		return body, info, err
	}
	err = s.faults.Do(ctx, func() (err error) {
		body, info, err = s.store.Open(ctx, key, offset, length)
		return err
	})
	if err != nil {
		if body != nil {
			_ = body.Close() // opened, and reported as failed
		}
		return nil, blob.Info{}, err
	}
	return body, info, nil
}

// Stat implements blob.Store.
func (s *Faulty) Stat(ctx context.Context, key string) (info blob.Info, err error) {
	err = s.faults.Do(ctx, func() (err error) {
		info, err = s.store.Stat(ctx, key)
		return err
	})
	if err != nil {
		return blob.Info{}, err
	}
	return info, nil
}

// Delete implements blob.Store.
func (s *Faulty) Delete(ctx context.Context, key string) error {
	return s.faults.Do(ctx, func() error { return s.store.Delete(ctx, key) })
}

// List implements blob.Store.
func (s *Faulty) List(ctx context.Context, prefix, after string, limit int) (infos []blob.Info, err error) {
	err = s.faults.Do(ctx, func() (err error) {
		infos, err = s.store.List(ctx, prefix, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return infos, nil
}

// cutReader breaks off after a number of bytes.
type cutReader struct {
	io.ReadCloser
	left int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
