package imageworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

var (
	_ ingest.Imager         = (*Pool)(nil)
	_ ingest.MetadataReader = (*Pool)(nil)
)

// inProcess is the engine in this process, where there can be no other.
type inProcess struct {
	ingest.Imager
	ingest.MetadataReader
}

// Probe implements [ingest.Imager].
func (p *Pool) Probe(ctx context.Context, src ingest.Source) (ingest.Probe, error) {
	const op = "imageworker.Probe"
	resp, err := p.call(ctx, op, p.light, request{Call: callProbe, Size: src.Size}, src)
	if own := p.fallback(err); own != nil {
		return own.Probe(ctx, src)
	}
	return resp.Probe, err
}

// Derive implements [ingest.Imager].
func (p *Pool) Derive(ctx context.Context, src ingest.Source, probe ingest.Probe, specs []ingest.Spec) (ingest.Derived, error) {
	const op = "imageworker.Derive"
	resp, err := p.call(ctx, op, p.heavy, request{Call: callDerive, Size: src.Size, Probe: probe, Specs: specs}, src)
	if own := p.fallback(err); own != nil {
		return own.Derive(ctx, src, probe, specs)
	}
	return resp.Derived, err
}

// Read implements [ingest.MetadataReader]. An image that ends its workers gives
// what a file without metadata gives, and a warning.
func (p *Pool) Read(ctx context.Context, src ingest.Source, probe ingest.Probe) (ingest.Metadata, error) {
	const op = "imageworker.Read"
	resp, err := p.call(ctx, op, p.light, request{Call: callRead, Size: src.Size, Probe: probe}, src)
	if own := p.fallback(err); own != nil {
		return own.Read(ctx, src, probe)
	}
	if errors.Is(err, ingest.ErrTooComplex) {
		p.cfg.Log.WarnContext(ctx, "metadata could not be read", "error", err)
		return ingest.Metadata{Warnings: []string{ingest.WarningUnreadable}}, nil
	}
	return resp.Metadata, err
}

// errImpossible says that there are no workers on this machine.
var errImpossible = errors.New("imageworker: no process can be started here")

// fallback is the engine in this process, if err says that there is no other way.
func (p *Pool) fallback(err error) *inProcess {
	if !errors.Is(err, errImpossible) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own
}

// call has a worker do one thing. A worker that breaks down over it is no proof
// against the image: another may have got it there, or the machine. Two fresh
// ones that do are.
func (p *Pool) call(ctx context.Context, op string, lane chan struct{}, req request, src ingest.Source) (response, error) {
	if p.impossible() {
		return response{}, errImpossible
	}
	if err := enter(ctx, lane); err != nil {
		return response{}, fault.Wrap(op, err)
	}
	defer func() { <-lane }()
	image, release, err := share(ctx, src)
	if err != nil {
		return response{}, fault.Wrap(op, err)
	}
	defer release()
	var causes []error
	for guilty, fresh := 0, 0; fresh < 2; {
		resp, b := p.try(ctx, req, image, len(causes) > 0)
		if b == nil {
			return resp, fault.Wrap(op, resp.failed(op))
		}
		if b.final != nil {
			return response{}, fault.Wrap(op, b.final)
		}
		p.cfg.Log.WarnContext(ctx, "an image worker broke down", "call", req.Call, "error", b.cause)
		causes = append(causes, b.cause)
		if b.fresh {
			fresh++
		}
		if b.fresh && b.guilty {
			guilty++
		}
		if guilty == 2 {
			return response{}, ingest.ErrTooComplex.With(op, errors.Join(causes...))
		}
	}
	return response{}, errFailed.With(op, errors.Join(causes...))
}

func (r *response) failed(op string) error {
	if r.Failure == nil {
		return nil
	}
	return r.Failure.fault(op)
}

// breakdown is how a try came to nothing.
type breakdown struct {
	final  error // there is no use in trying again
	cause  error
	fresh  bool // the worker had seen no other image
	guilty bool // and nobody else can have ended it
}

// try has one worker do it.
func (p *Pool) try(ctx context.Context, req request, image *os.File, fresh bool) (response, *breakdown) {
	w, err := p.take(ctx, fresh)
	if err != nil {
		return response{}, p.notStarted(ctx, err)
	}
	b := &breakdown{fresh: w.calls == 0}
	limited, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	resp, body, err := w.call(limited, req, image, bodyLimit(req.Specs))
	if err == nil {
		err = resp.check(req, body)
	}
	switch {
	case err == nil:
		p.give(w)
		return resp, nil
	case ctx.Err() != nil:
		w.end()
		b.final = ctx.Err()
	case limited.Err() != nil:
		w.end()
		b.final = ingest.ErrTooComplex.With("imageworker", context.Cause(limited))
	case errors.Is(err, errGarbage):
		w.end()
		b.guilty, b.cause = true, err
	default:
		b.guilty = w.mourn()
		b.cause = fmt.Errorf("%w; %s", err, w.epitaph())
	}
	return response{}, b
}

// check is what a worker's answer must stand before it is used.
func (r *response) check(req request, body []byte) error {
	if err := r.split(body); err != nil || r.Failure != nil {
		return err
	}
	switch req.Call {
	case callProbe:
		return checkProbe(r.Probe, req.Size)
	case callDerive:
		return checkDerived(r.Derived, req.Specs)
	default:
		return checkMetadata(r.Metadata)
	}
}

// notStarted classifies that there is no worker. Where none ever was and none
// can be, the pool does the work itself from now on.
func (p *Pool) notStarted(ctx context.Context, err error) *breakdown {
	if ctx.Err() != nil {
		return &breakdown{final: ctx.Err()}
	}
	if errors.Is(err, errFailed) {
		return &breakdown{final: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started || !impossible(err) {
		return &breakdown{final: errFailed.With("imageworker", err)}
	}
	if p.own == nil {
		imager, reader, failed := engine(p.setup.Engine)
		if failed != nil {
			return &breakdown{final: failed}
		}
		p.own = &inProcess{imager, reader}
		p.cfg.Log.WarnContext(ctx, "images are decoded without a process of their own: none can be started here", "error", err)
	}
	return &breakdown{final: errImpossible}
}

func (p *Pool) impossible() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own != nil
}

// share makes a source a file that a worker can be given. What is in a file is
// not copied.
func share(ctx context.Context, src ingest.Source) (image *os.File, release func(), err error) {
	if f := fileOf(src); f != nil {
		image, err = readOnly(f)
	} else {
		image, err = copied(ctx, src)
	}
	if err != nil {
		return nil, nil, err
	}
	return image, func() { _ = image.Close() }, nil
}

// fileOf is the file that a source is, or is the beginning of; else nil.
func fileOf(src ingest.Source) *os.File {
	r := src.ReaderAt
	if section, ok := r.(interface {
		Outer() (io.ReaderAt, int64, int64)
	}); ok {
		outer, off, size := section.Outer()
		if off != 0 || size < src.Size {
			return nil
		}
		r = outer
	}
	f, _ := r.(*os.File)
	return f
}

// copied is the source in a file of its own. A source that is shorter than it
// says is for the imager to complain of.
func copied(ctx context.Context, src ingest.Source) (*os.File, error) {
	f, err := MemoryFile()
	if err != nil {
		return nil, fault.As(fault.OutOfSpace, "imageworker.share", err)
	}
	defer func() { _ = f.Close() }()
	buffer := make([]byte, min(src.Size, 256<<10))
	for off := int64(0); off < src.Size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := src.ReadAt(buffer[:min(int64(len(buffer)), src.Size-off)], off)
		if _, err := f.WriteAt(buffer[:n], off); err != nil {
			return nil, fault.As(fault.OutOfSpace, "imageworker.share", err)
		}
		off += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && off < src.Size {
			return nil, err
		}
	}
	return readOnly(f)
}
