package ingest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

var (
	errUnowned = fault.New(fault.Invalid, "original_unowned", "The stored file does not say whose it is.")
	errStray   = fault.New(fault.Invalid, "original_stray", "Another stored file has this id already.")
)

// Refused is the error of an image that is not kept. Unfinished is nil when it
// was said and cleaned up; otherwise that must be tried again.
type Refused struct {
	Reason     error
	Unfinished error
}

func (e *Refused) Error() string { return fmt.Sprintf("ingest: refused: %v", e.Reason) }

// Unwrap gives the reason, which says to a client why.
func (e *Refused) Unwrap() error { return e.Reason }

// Process makes a stored original an image of the gallery: it verifies it, makes
// the renditions, writes the manifest and publishes image.uploaded. What is no
// image that Sajin keeps is published as image.rejected, removed, and comes back
// as a *Refused. An original that is gone is original_not_found. The film of a
// live picture, which is stored beside its original, becomes a part of the image.
//
// It may be called any number of times, at the same time too: calls for one
// image join, and what was done before is only said again. When ctx ends it
// returns, and the work goes on without the caller.
func (s *Service) Process(ctx context.Context, key string) (contract.Manifest, error) {
	id, err := idOf(key)
	if err != nil {
		return contract.Manifest{}, err
	}
	place := s.ports.Trace.Place(ctx)
	if isCompanion(id, key) {
		return s.flights.joinAside(ctx, key, func(ctx context.Context) (contract.Manifest, error) {
			return s.attach(s.ports.Trace.Follow(ctx, place), id, key)
		})
	}
	return s.flights.join(ctx, id, func(ctx context.Context) (contract.Manifest, error) {
		return s.process(s.ports.Trace.Follow(ctx, place), id, key)
	})
}

func (s *Service) process(ctx context.Context, id, key string) (contract.Manifest, error) {
	m, err := s.readManifest(ctx, id)
	if err == nil {
		return m, s.repeat(ctx, m, key)
	}
	if !errors.Is(err, blob.ErrNotFound) {
		return m, err
	}
	t, err := s.begin(ctx, id)
	if errors.Is(err, errSpent) {
		return s.keepUnprocessed(ctx, id, key)
	}
	if err != nil {
		return m, err
	}
	m, err = contain(ctx, s.ports.Log, id, func(ctx context.Context) (contract.Manifest, error) {
		return s.makeImage(ctx, id, key)
	})
	if spent := t.end(ctx, err); spent {
		return s.keepUnprocessed(ctx, id, key)
	}
	return m, err
}

// makeImage is one try.
func (s *Service) makeImage(ctx context.Context, id, key string) (_ contract.Manifest, err error) {
	o, m, err := s.loadDescribed(ctx, id, key)
	if err != nil {
		return m, err
	}
	defer o.release()
	ctx, end := s.ports.Trace.Process(ctx, o.info.Metadata[metaTrace])
	defer func() { end(err) }()
	m.TraceParent = s.ports.Trace.Place(ctx)
	if err = asPlanned(o); err == nil {
		m, err = s.derive(ctx, m, o)
	}
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		return s.reject(ctx, m, o.info, refused)
	}
	if err != nil {
		return m, err
	}
	return s.commit(ctx, m, o, s.writeManifest)
}

// loadDescribed brings an original near and says what it says of itself. The
// caller releases it.
func (s *Service) loadDescribed(ctx context.Context, id, key string) (loaded, contract.Manifest, error) {
	o, err := s.load(ctx, key)
	if reason := s.refused.reason(id); reason != nil && errors.Is(err, errGone) {
		err = &Refused{Reason: reason}
	}
	if err != nil {
		return o, contract.Manifest{}, err
	}
	m, err := describe(id, o)
	if err != nil {
		o.release()
	}
	return o, m, err
}

// repeat says again what a manifest says, unless that was done just now or the
// original is gone: then a purge is under way.
func (s *Service) repeat(ctx context.Context, m contract.Manifest, key string) error {
	if m.Key != key {
		return errStray
	}
	if s.said.has(m.ID) {
		return nil
	}
	info, err := s.ports.Blob.Stat(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return errGone
	}
	if err != nil {
		return fault.Wrap("ingest.repeat", err)
	}
	if err := s.noteKept(ctx, info, m); err != nil {
		return err
	}
	return s.sayUploaded(ctx, m)
}

// describe begins the manifest with what the stored object says of itself.
func describe(id string, o loaded) (contract.Manifest, error) {
	owner, ok := identity.ParseOwner(o.info.Metadata[metaOwner])
	if !ok {
		return contract.Manifest{}, errUnowned
	}
	name, err := url.PathUnescape(o.info.Metadata[metaName])
	if err != nil {
		name = ""
	}
	m := contract.Manifest{
		Version: 1, ID: id, Owner: string(owner), Name: CleanName(name), Key: o.info.Key,
		Generation: o.info.Generation, Size: o.info.Size, SHA256: o.sha256, CRC32C: o.info.CRC32C,
		CreatedAt: identity.ImageTime(id), Renditions: []contract.Rendition{},
	}
	if at, err := time.Parse(time.RFC3339Nano, o.info.Metadata[metaModified]); err == nil {
		at = at.UTC()
		m.ModifiedAt = &at
	}
	m.Album = albumOf(o.info)
	given := givenIn(o.info.Metadata)
	m.TakenAt, m.Caption, m.Place = given.TakenAt, given.Caption, given.Place
	return m, nil
}

// derive adds to the manifest what the image itself says, and stores its
// renditions.
func (s *Service) derive(ctx context.Context, m contract.Manifest, o loaded) (contract.Manifest, error) {
	probe, err := s.probe(ctx, o.source)
	if err != nil {
		return m, err
	}
	derived, err := s.preview(ctx, o.source, probe)
	if err != nil && !errors.Is(err, ErrVariant) {
		return m, err
	}
	if err != nil {
		m.Preview = contract.PreviewUnavailable
		derived.Width, derived.Height = probe.upright()
	}
	m.ContentType, m.Animated = probe.ContentType, probe.Frames > 1
	if v := probe.Motion; v.Length > 0 {
		m.Motion = &contract.Motion{Key: m.Key, Offset: v.Offset, Length: v.Length, ContentType: v.ContentType}
	}
	m.Width, m.Height = derived.Width, derived.Height
	m.Placeholder = base64.StdEncoding.EncodeToString(derived.Placeholder)
	recorded, err := s.ports.Metadata.Read(ctx, o.source, probe)
	if err != nil {
		return m, fault.Wrap("ingest.derive", err)
	}
	m = recorded.describe(m)
	m.Renditions, err = s.putRenditions(ctx, m.ID, derived.Renditions)
	return m, err
}

// preview decodes an image when there is memory for it. ErrVariant says that the
// image is one that cannot be shown.
func (s *Service) preview(ctx context.Context, src Source, p Probe) (Derived, error) {
	if p.Unavailable {
		return Derived{}, ErrVariant
	}
	release, err := s.decodes.acquire(ctx, p.MemoryBytes)
	if err != nil {
		return Derived{}, refusal(fault.Wrap("ingest.preview", err))
	}
	defer release()
	return s.decode(ctx, src, p)
}

func (s *Service) probe(ctx context.Context, src Source) (Probe, error) {
	limited, cancel := context.WithTimeout(ctx, s.cfg.DeriveTimeout)
	defer cancel()
	probe, err := s.ports.Imager.Probe(limited, src)
	return probe, tooComplex(ctx, limited, err)
}

func (s *Service) decode(ctx context.Context, src Source, p Probe) (Derived, error) {
	limited, cancel := context.WithTimeout(ctx, s.cfg.DeriveTimeout)
	defer cancel()
	derived, err := s.ports.Imager.Derive(limited, src, p, s.cfg.Specs)
	return derived, tooComplex(ctx, limited, err)
}

// tooComplex makes a refusal of the time limit on one image, and leaves what it
// is an end of the work as a whole, and an imager that says it never came to it.
func tooComplex(ctx, limited context.Context, err error) error {
	if err != nil && limited.Err() != nil && ctx.Err() == nil && fault.KindOf(err) != fault.Unavailable {
		return &Refused{Reason: ErrTooComplex.With("ingest.derive", err)}
	}
	return refusal(err)
}

// refusal tells what an imager refuses for good from what may work later.
func refusal(err error) error {
	switch fault.KindOf(err) {
	case fault.Unsupported, fault.Unprocessable, fault.TooLarge:
		return &Refused{Reason: err}
	default:
		return err
	}
}

func (s *Service) putRenditions(ctx context.Context, id string, renditions []Rendition) ([]contract.Rendition, error) {
	out := make([]contract.Rendition, 0, len(renditions))
	for _, r := range renditions {
		key := contract.RenditionKey(id, r.Name, r.Extension)
		info, err := s.ports.Blob.Put(ctx, key, bytes.NewReader(r.Data),
			blob.WriteOptions{ContentType: r.ContentType, Size: int64(len(r.Data))})
		if err != nil {
			return nil, fault.Wrap("ingest.putRenditions", err)
		}
		if info.Size != int64(len(r.Data)) {
			return nil, errStoredWrong
		}
		out = append(out, contract.Rendition{
			Name: r.Name, Key: key, Width: r.Width, Height: r.Height, Size: info.Size, ContentType: r.ContentType,
		})
	}
	return out, nil
}

// commit writes the manifest, which makes the image one of the gallery, and
// says so. A purge removes the original first and the manifest last: seeing the
// original still there after the manifest was written proves that the purge has
// yet to come to the manifest.
func (s *Service) commit(ctx context.Context, m contract.Manifest, o loaded, write writer) (contract.Manifest, error) {
	m, err := write(ctx, m)
	if err != nil {
		return m, err
	}
	info, err := s.ports.Blob.Stat(ctx, o.info.Key)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return m, s.undo(ctx, m.ID, errGone)
	case err != nil:
		return m, fault.Wrap("ingest.commit", err)
	case info.Generation != o.info.Generation:
		return m, s.undo(ctx, m.ID, errChanged)
	}
	if m, err = s.withCompanion(ctx, m); err != nil {
		return m, err
	}
	if err := s.noteKept(ctx, info, m); err != nil {
		return m, err
	}
	return m, s.sayUploaded(ctx, m)
}

// writer stores a manifest and returns the one that counts.
type writer func(context.Context, contract.Manifest) (contract.Manifest, error)

// undo takes back a manifest whose original is not what it describes.
func (s *Service) undo(ctx context.Context, id string, reason error) error {
	if err := s.removeDerived(ctx, id); err != nil {
		return err
	}
	return reason
}
