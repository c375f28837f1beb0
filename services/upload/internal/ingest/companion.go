package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// A companion is the moving part of a live picture that came as a file of its
// own, as Apple's telephones export it. It is stored beside the original that it
// belongs to, and is no image.

// film is the kind of a companion.
var film = kind{"video/quicktime", ".mov"}

const brandQuickTime = "????ftypqt  "

// metaCompanion is the metadata of a companion: the id that it was planned
// under, which tells it from another one for the same image.
const metaCompanion = "companion"

var (
	errAlone = fault.New(fault.Unprocessable, "companion_without_image",
		"The film of a live picture is only taken with its picture. Please add the picture first.")
	errNoFilm       = fault.New(fault.Unsupported, "companion_unsupported", "This is not the film of a live picture: only QuickTime files (.mov) are.")
	errHasCompanion = fault.New(fault.Conflict, "companion_exists", "The picture has its film already.")
)

func companionKey(id string) string {
	return contract.OriginalKey(id, identity.ImageTime(id), film.extension)
}

func isCompanion(id, key string) bool { return key == companionKey(id) }

// sniffFilm recognises a QuickTime file, by its brand or, in old ones, by the
// box that it begins with.
func sniffFilm(head []byte) (kind, error) {
	for _, magic := range []string{brandQuickTime, "????moov", "????wide", "????mdat"} {
		if matches(head, magic) {
			return film, nil
		}
	}
	if len(head) == 0 {
		return kind{}, ErrEmpty
	}
	return kind{}, errNoFilm
}

// sniff recognises what was planned: an image, or the film of one.
func (n note) sniff(head []byte, whole bool) (kind, error) {
	switch {
	case n.CompanionOf != "":
		return sniffFilm(head)
	case matches(head, brandQuickTime):
		return kind{}, errAlone
	default:
		return sniff(head, whole)
	}
}

// original is what is known of a planned file whose kind has been recognised.
func (n note) original(k kind) Original {
	if n.CompanionOf == "" {
		o := newOriginal(n.ID, n.Name, k)
		o.Album = n.Album
		return o
	}
	o := newOriginal(n.CompanionOf, n.Name, film)
	o.companion = n.ID
	return o
}

// admit judges a planned companion; an image is admitted unseen. The error is the
// store's.
func (s *Service) admit(ctx context.Context, owner identity.Owner, f Planned) (Opened, error) {
	if f.CompanionOf == "" {
		return Opened{}, nil
	}
	motion, err := s.motionOf(ctx, owner, f.CompanionOf)
	switch {
	case errors.Is(err, errAlone):
		return Opened{Err: err}, nil
	case err != nil:
		return Opened{}, err
	case motion == nil:
		return Opened{}, nil
	case motion.Key == companionKey(f.CompanionOf) && motion.Length == f.Size:
		return Opened{Known: f.CompanionOf}, nil
	default:
		return Opened{Err: errHasCompanion}, nil
	}
}

// motionOf is the moving part that an image has, nil for none. errAlone: the
// image is not there or another owner's, which is not told apart.
func (s *Service) motionOf(ctx context.Context, owner identity.Owner, id string) (*contract.Motion, error) {
	if !identity.ValidImageID(id) {
		return nil, errAlone
	}
	m, err := s.readManifest(ctx, id)
	of := m.Owner
	if errors.Is(err, blob.ErrNotFound) { // not made yet
		var info blob.Info
		info, err = s.originalOf(ctx, id)
		of = info.Metadata[metaOwner]
	}
	if errors.Is(err, errGone) || err == nil && of != string(owner) {
		return nil, errAlone
	}
	return m.Motion, err
}

// admitWhole judges a companion that comes whole, of unknown size.
func (s *Service) admitWhole(ctx context.Context, owner identity.Owner, id string) error {
	motion, err := s.motionOf(ctx, owner, id)
	if err == nil && motion != nil {
		err = errHasCompanion
	}
	return err
}

// attach makes a stored companion the moving part of its image: the manifest
// names it from then on, and is published again. It may be called any number of
// times. An image that is not made yet is made first; one that is gone takes its
// companion with it.
func (s *Service) attach(ctx context.Context, id, key string) (contract.Manifest, error) {
	info, err := s.checkedFilm(ctx, key)
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		return contract.Manifest{}, s.refuseCompanion(ctx, id, info, refused)
	}
	if err != nil {
		return contract.Manifest{}, err
	}
	m, err := s.imageOf(ctx, id)
	if refused := (*Refused)(nil); errors.Is(err, errGone) || errors.As(err, &refused) || err == nil && m.Owner != info.Metadata[metaOwner] {
		return m, s.refuseCompanion(ctx, id, info, &Refused{Reason: errAlone})
	}
	if err != nil {
		return m, err
	}
	if !shows(m, info) {
		if m, err = s.attachTo(ctx, id, info); err != nil {
			return m, err
		}
	}
	if err := s.noteCompanion(ctx, id, info, nil); err != nil {
		return m, err
	}
	s.said.note(key)
	return m, nil
}

// imageOf is the manifest of a companion's image, which is made where it is not
// made yet.
func (s *Service) imageOf(ctx context.Context, id string) (contract.Manifest, error) {
	m, err := s.readManifest(ctx, id)
	if !errors.Is(err, blob.ErrNotFound) {
		return m, err
	}
	original, err := s.originalOf(ctx, id)
	if err != nil {
		return m, err
	}
	return s.Process(ctx, original.Key)
}

// attachTo changes the manifest while nobody else is at work on the image.
func (s *Service) attachTo(ctx context.Context, id string, info blob.Info) (contract.Manifest, error) {
	t, err := s.begin(ctx, id)
	if err != nil {
		return contract.Manifest{}, err
	}
	m, err := s.readManifest(ctx, id)
	if errors.Is(err, blob.ErrNotFound) {
		err = errGone
	}
	if err == nil {
		m, err = s.show(ctx, m, info)
	}
	t.end(ctx, err)
	return m, err
}

// show writes the manifest with the companion in it, and says so. As in commit,
// the image that is still there afterwards proves that no purge was undone.
func (s *Service) show(ctx context.Context, m contract.Manifest, info blob.Info) (contract.Manifest, error) {
	m.Motion = &contract.Motion{Key: info.Key, Length: info.Size, ContentType: film.contentType}
	if _, err := s.replaceManifest(ctx, m); err != nil {
		return m, err
	}
	if _, err := s.ports.Blob.Stat(ctx, m.Key); errors.Is(err, blob.ErrNotFound) {
		return m, s.undo(ctx, m.ID, errGone)
	} else if err != nil {
		return m, fault.Wrap("ingest.show", err)
	}
	return m, s.sayUploaded(ctx, m)
}

// withCompanion adds the companion that has come while the image was being made:
// whoever stored it saw no manifest.
func (s *Service) withCompanion(ctx context.Context, m contract.Manifest) (contract.Manifest, error) {
	info, err := s.checkedFilm(ctx, companionKey(m.ID))
	if refused := (*Refused)(nil); errors.Is(err, errGone) || errors.As(err, &refused) {
		return m, nil // there is none, or attach refuses it
	}
	if err != nil || shows(m, info) || info.Metadata[metaOwner] != m.Owner {
		return m, err
	}
	m.Motion = &contract.Motion{Key: info.Key, Length: info.Size, ContentType: film.contentType}
	return s.replaceManifest(ctx, m)
}

func shows(m contract.Manifest, info blob.Info) bool {
	return m.Motion != nil && m.Motion.Key == info.Key && m.Motion.Length == info.Size
}

// live reports whether a manifest names a companion.
func live(m contract.Manifest) bool { return m.Motion != nil && m.Motion.Key != m.Key }

// checkedFilm looks at a companion. One that came through a session of the
// bucket's has been seen by nobody yet. errGone: it is not there.
func (s *Service) checkedFilm(ctx context.Context, key string) (blob.Info, error) {
	info, err := s.ports.Blob.Stat(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return info, errGone
	}
	if err != nil || info.Metadata[metaSize] == "" || s.said.has(key) {
		return info, fault.Wrap("ingest.checkedFilm", err)
	}
	r, _, err := s.ports.Blob.Open(ctx, key, 0, -1)
	if err != nil {
		return info, fault.Wrap("ingest.checkedFilm", err)
	}
	defer func() { _ = r.Close() }()
	head, _, err := peek(r)
	if err != nil {
		return info, fault.As(fault.Unavailable, "ingest.checkedFilm", err)
	}
	if _, err := sniffFilm(head); err != nil {
		return info, &Refused{Reason: err}
	}
	hash := sha256.New()
	hash.Write(head)
	if _, err := io.CopyBuffer(onlyWriter{hash}, r, make([]byte, readBytes)); err != nil {
		return info, fault.As(fault.Unavailable, "ingest.checkedFilm", err)
	}
	want := info.Metadata[metaSHA256]
	if !sizeAsPlanned(info) || want != "" && want != hex.EncodeToString(hash.Sum(nil)) {
		return info, &Refused{Reason: errOtherSHA256}
	}
	return info, nil
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

// removeCompanion removes an image's companion, if it has one.
func (s *Service) removeCompanion(ctx context.Context, id string) error {
	return fault.Wrap("ingest.removeCompanion", s.ports.Blob.Delete(ctx, companionKey(id)))
}

// companion attaches a companion that a crash or a lost event left alone. A
// manifest is looked at as often as it is repeated.
func (w *sweep) companion(ctx context.Context, id string, info blob.Info) error {
	if !w.isTurn(id, info) || w.said.has(info.Key) {
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
