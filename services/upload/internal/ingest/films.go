package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// attach makes a stored companion a part of its image: the manifest names it
// from then on, and is published again. It may be called any number of times. An
// image that is not made yet is made first. Where the image turned out to be a
// duplicate, the companion moves to the one that stayed; where it is gone for
// good, so is the companion.
func (s *Service) attach(ctx context.Context, id, key string) (contract.Manifest, error) {
	info, err := s.statFilm(ctx, key)
	if err != nil {
		return contract.Manifest{}, err
	}
	m, err := s.imageOf(ctx, id)
	if err == nil && m.Owner != info.Metadata[metaOwner] {
		return m, s.refuseCompanion(ctx, id, info, &Refused{Reason: errAlone})
	}
	if err == nil && !shows(m, info) {
		m, err = s.attachTo(ctx, id, info)
	}
	switch refused := (*Refused)(nil); {
	case errors.Is(err, errGone):
		return s.follow(ctx, id, info)
	case errors.As(err, &refused):
		return m, s.refuseCompanion(ctx, id, info, refused)
	case err != nil:
		return m, err
	}
	return m, s.attached(ctx, m, info)
}

// attached ends the work on a companion that its image has. One whose bytes the
// image had before need not be there twice.
func (s *Service) attached(ctx context.Context, m contract.Manifest, info blob.Info) error {
	if err := s.noteCompanion(ctx, m.ID, info, nil); err != nil {
		return err
	}
	if !shows(m, info) {
		return fault.Wrap("ingest.attach", s.ports.Blob.Delete(ctx, info.Key))
	}
	s.said.note(info.Key)
	return nil
}

func (s *Service) statFilm(ctx context.Context, key string) (blob.Info, error) {
	info, err := s.ports.Blob.Stat(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return info, errGone
	}
	return info, fault.Wrap("ingest.statFilm", err)
}

// imageOf is the manifest of a companion's image, which is made where it is not
// made yet. One that is refused takes its companion with it.
func (s *Service) imageOf(ctx context.Context, id string) (contract.Manifest, error) {
	m, err := s.readManifest(ctx, id)
	if !errors.Is(err, blob.ErrNotFound) {
		return m, err
	}
	original, err := s.originalOf(ctx, id)
	if err != nil {
		return m, err
	}
	m, err = s.Process(ctx, original.Key)
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		err = errGone
	}
	return m, err
}

// attachTo changes the manifest while nobody else is at work on the image.
func (s *Service) attachTo(ctx context.Context, id string, info blob.Info) (contract.Manifest, error) {
	t, err := s.begin(ctx, id)
	if err != nil {
		return contract.Manifest{}, err
	}
	m, err := contain(ctx, s.ports.Log, id, func(ctx context.Context) (contract.Manifest, error) {
		m, err := s.readManifest(ctx, id)
		if errors.Is(err, blob.ErrNotFound) {
			err = errGone
		}
		if err == nil && !shows(m, info) {
			m, err = s.show(ctx, m, info)
		}
		return m, err
	})
	t.end(ctx, err)
	return m, err
}

// show writes the manifest with the companion in it, unless it has these bytes
// already, and says so. As in commit, the image that is still there afterwards
// proves that no purge was undone.
func (s *Service) show(ctx context.Context, m contract.Manifest, info blob.Info) (contract.Manifest, error) {
	v, err := s.readFilm(ctx, info)
	if err != nil || slices.ContainsFunc(m.Beside(), func(has contract.Motion) bool { return has.SHA256 == v.SHA256 }) {
		return m, err
	}
	if len(m.Films) >= maxFilms {
		return m, &Refused{Reason: errHasCompanion}
	}
	if m, err = s.replaceManifest(ctx, withFilm(m, v)); err != nil {
		return m, err
	}
	if _, err := s.ports.Blob.Stat(ctx, m.Key); errors.Is(err, blob.ErrNotFound) {
		return m, s.undo(ctx, m.ID, errGone)
	} else if err != nil {
		return m, fault.Wrap("ingest.show", err)
	}
	return m, s.sayUploaded(ctx, m)
}

// withFilm adds a film: as the moving part, or beside the one that is there.
func withFilm(m contract.Manifest, v contract.Motion) contract.Manifest {
	if m.Motion == nil || m.Motion.Key == m.Key {
		m.Motion = &v
	} else {
		m.Films = append(slices.Clone(m.Films), v)
	}
	return m
}

// withCompanion adds the companion that has come while the image was being made:
// whoever stored it saw no manifest.
func (s *Service) withCompanion(ctx context.Context, m contract.Manifest) (contract.Manifest, error) {
	info, err := s.statFilm(ctx, companionKey(m.ID))
	if errors.Is(err, errGone) {
		return m, nil
	}
	if err != nil || shows(m, info) || info.Metadata[metaOwner] != m.Owner {
		return m, err
	}
	v, err := s.readFilm(ctx, info)
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		return m, nil // attach refuses it
	}
	if err != nil {
		return m, err
	}
	return s.replaceManifest(ctx, withFilm(m, v))
}

func shows(m contract.Manifest, info blob.Info) bool {
	return slices.ContainsFunc(m.Beside(), func(v contract.Motion) bool { return v.Key == info.Key && v.Length == info.Size })
}

// readFilm reads a companion to its end. One that came through a session of the
// bucket's has been seen by nobody yet: a *Refused says that it is none, or
// another than was planned.
func (s *Service) readFilm(ctx context.Context, info blob.Info) (contract.Motion, error) {
	r, _, err := s.ports.Blob.Open(ctx, info.Key, 0, -1)
	if errors.Is(err, blob.ErrNotFound) {
		return contract.Motion{}, errGone
	}
	if err != nil {
		return contract.Motion{}, fault.Wrap("ingest.readFilm", err)
	}
	defer func() { _ = r.Close() }()
	head, _, err := peek(r)
	if err != nil {
		return contract.Motion{}, fault.As(fault.Unavailable, "ingest.readFilm", err)
	}
	if _, err := sniffFilm(head); err != nil {
		return contract.Motion{}, &Refused{Reason: err}
	}
	hash := sha256.New()
	hash.Write(head)
	if _, err := io.CopyBuffer(onlyWriter{hash}, r, make([]byte, readBytes)); err != nil {
		return contract.Motion{}, fault.As(fault.Unavailable, "ingest.readFilm", err)
	}
	sum, want := hex.EncodeToString(hash.Sum(nil)), info.Metadata[metaSHA256]
	if !sizeAsPlanned(info) || want != "" && want != sum {
		return contract.Motion{}, &Refused{Reason: errOtherSHA256}
	}
	return contract.Motion{Key: info.Key, Length: info.Size, ContentType: film.contentType, SHA256: sum}, nil
}

// refuseCompanion removes a companion that is not kept, once its sender can be
// told.
func (s *Service) refuseCompanion(ctx context.Context, id string, info blob.Info, r *Refused) error {
	r.Unfinished = s.noteCompanion(ctx, id, info, r.Reason)
	if r.Unfinished == nil {
		r.Unfinished = fault.Wrap("ingest.refuseCompanion", s.ports.Blob.Delete(ctx, info.Key))
	}
	return r
}

// noteCompanion notes what came of a companion, under the id that it was planned
// under; reason is nil where it is kept.
func (s *Service) noteCompanion(ctx context.Context, id string, info blob.Info, reason error) error {
	planned := contract.Manifest{ID: info.Metadata[metaCompanion], Owner: info.Metadata[metaOwner], Name: nameOf(info), Size: info.Size}
	return s.noteConclusion(ctx, info, planned, Outcome{Original: companionFrom(id, info), Ready: true, Err: reason})
}

func companionFrom(id string, info blob.Info) Original {
	return Original{
		ID: id, Key: info.Key, Name: nameOf(info), Size: info.Size, ContentType: film.contentType,
		CreatedAt: identity.ImageTime(id), companion: info.Metadata[metaCompanion],
	}
}

// companion attaches a companion that a crash or a lost event left alone. A
// manifest is looked at as often as it is repeated.
func (w *sweep) companion(ctx context.Context, info blob.Info) error {
	id, err := idOf(info.Key)
	if err != nil || !w.isTurn(id, info) || w.said.has(info.Key) {
		return nil
	}
	m, err := w.readManifest(ctx, id)
	if err == nil && shows(m, info) {
		w.said.note(info.Key)
		return nil
	}
	if age := w.now.Sub(info.CreatedAt); age >= 0 && age < w.cfg.SweepAge {
		w.done.Young++
		return nil
	}
	return w.step(ctx, &w.done.Processed, "attach", info.Key, func() error {
		_, err := w.Process(ctx, info.Key)
		return unfinished(err)
	})
}
