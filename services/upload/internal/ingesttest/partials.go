package ingesttest

import (
	"context"
	"io"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Partials fails the calls of what it wraps as its Faults say. What is held is
// let go whatever fails: the process that held it has ended.
type Partials struct {
	blob.Partials
	Faults *Faults
}

// Look implements blob.Partials.
func (p Partials) Look(ctx context.Context, id string) (out blob.Partial, err error) {
	err = p.Faults.call(ctx, "look at partial", func(bool) (err error) { out, err = p.Partials.Look(ctx, id); return err })
	return out, err
}

// Hold implements blob.Partials.
func (p Partials) Hold(ctx context.Context, id string) (out blob.HeldPartial, err error) {
	err = p.Faults.call(ctx, "hold partial", func(bool) (err error) { out, err = p.Partials.Hold(ctx, id); return err })
	if err != nil && out != nil {
		out.Release()
	}
	if err != nil {
		return nil, err
	}
	return heldPartial{out, p.Faults}, nil
}

type heldPartial struct {
	blob.HeldPartial
	faults *Faults
}

func (h heldPartial) Append(ctx context.Context, r io.Reader) (int64, error) {
	err := h.faults.call(ctx, "append to partial", func(bool) error { _, err := h.HeldPartial.Append(ctx, r); return err })
	return h.Partial().Offset, err
}

func (h heldPartial) Open(ctx context.Context) (out io.ReadCloser, err error) {
	err = h.faults.call(ctx, "open partial", func(bool) (err error) { out, err = h.HeldPartial.Open(ctx); return err })
	if err != nil && out != nil {
		_ = out.Close()
	}
	return out, err
}

func (h heldPartial) Annotate(ctx context.Context, note []byte) error {
	return h.faults.call(ctx, "annotate partial", func(bool) error { return h.HeldPartial.Annotate(ctx, note) })
}

func (h heldPartial) Empty(ctx context.Context, note []byte) error {
	return h.faults.call(ctx, "empty partial", func(bool) error { return h.HeldPartial.Empty(ctx, note) })
}
