package goimaging

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Imager is an [ingest.Imager]. It holds no state but its limits and is safe
// for concurrent use. It starts no goroutines; one Derive keeps one processor
// busy and holds at most what Probe estimated.
type Imager struct {
	limits Limits
}

var _ ingest.Imager = (*Imager)(nil)

// New makes an Imager. Zero fields of limits take their defaults.
func New(limits Limits) *Imager { return &Imager{limits: limits.withDefaults()} }

// errChanged says that a source is not the one that was probed.
var errChanged = errors.New("the source differs from what was probed")

// Probe implements [ingest.Imager]. It walks the structure of the whole file
// through one small buffer: a few milliseconds for a photograph, and less for a
// bomb, which is refused at its header.
func (m *Imager) Probe(ctx context.Context, src ingest.Source) (p ingest.Probe, err error) {
	defer guard("goimaging.Probe", &err)
	src, seen := src.Watched()
	h, err := walk(newWindow(ctx, src), m.limits)
	if err := verdict(ctx, ctx, seen, err); err != nil {
		return ingest.Probe{}, fault.Wrap("goimaging.Probe", err)
	}
	return h.Probe, nil
}

// Derive implements [ingest.Imager]. Renditions are JPEG, upright, on white
// where the image is transparent, and in the order of the specs; of specs that
// would give the same size only the smallest is made. Specs of more than 2048
// pixels take more memory than Probe said.
//
// What a probe did not say is not decoded: a p that is not this source's is
// refused as damaged.
func (m *Imager) Derive(ctx context.Context, src ingest.Source, p ingest.Probe, specs []ingest.Spec) (d ingest.Derived, err error) {
	const op = "goimaging.Derive"
	defer guard(op, &err)
	if err := checkSpecs(specs); err != nil {
		return ingest.Derived{}, fault.As(fault.Internal, op, err)
	}
	deadline, cancel := context.WithTimeout(ctx, m.limits.MaxDuration)
	defer cancel()
	src, seen := src.Watched()
	d, err = m.derive(deadline, src, p, specs)
	if err := verdict(ctx, deadline, seen, err); err != nil {
		return ingest.Derived{}, fault.Wrap(op, err)
	}
	return d, nil
}

func (m *Imager) derive(ctx context.Context, src ingest.Source, p ingest.Probe, specs []ingest.Spec) (ingest.Derived, error) {
	w := newWindow(ctx, src)
	h, err := walk(w, m.limits)
	if err != nil {
		return ingest.Derived{}, err
	}
	if h.Probe != p || h.Unavailable {
		return ingest.Derived{}, ingest.ErrCorrupt.With("goimaging", errChanged)
	}
	decoded, err := decode(ctx, src, h)
	if err != nil {
		return ingest.Derived{}, err
	}
	r := rendering{turn: turns[h.Orientation], icc: h.colours(w, m.limits.MaxProfileBytes, len(decoded.planes()))}
	return r.render(ctx, decoded, specs)
}

// guard makes a panic of a decoder the image's fault: a hostile file must not
// take the process with it.
func guard(op string, err *error) {
	if r := recover(); r != nil {
		*err = ingest.ErrCorrupt.With(op, fmt.Errorf("panic: %v", r))
	}
}

// checkSpecs refuses specs that no image can meet: the caller's mistake.
func checkSpecs(specs []ingest.Spec) error {
	for _, s := range specs {
		if s.LongEdge < 1 || s.Quality < 1 || s.Quality > 100 {
			return fmt.Errorf("impossible spec %+v", s)
		}
	}
	return nil
}

// bySize is the specs from the smallest up.
func bySize(specs []ingest.Spec) []ingest.Spec {
	return slices.SortedStableFunc(slices.Values(specs), func(a, b ingest.Spec) int { return a.LongEdge - b.LongEdge })
}
