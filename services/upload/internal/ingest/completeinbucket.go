package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Complete answers for a planned file whose last byte has been sent, as Send
// does for the last chunk, any number of times. The id is the image's. A file
// that is not whole is upload_incomplete, one that nobody planned for this owner
// is not_found. It waits Config.AnswerWithin at most; then the outcome is not
// Ready, and knows no checksum where that was not read yet.
func (s *Service) Complete(ctx context.Context, owner identity.Owner, id string) (Progress, error) {
	if !identity.ValidImageID(id) {
		return Progress{}, errNoSession
	}
	session, err := s.sessionOf(ctx, owner, id)
	if err != nil {
		return Progress{}, err
	}
	if session == "" {
		return s.arrived(ctx, owner, id)
	}
	p, err := s.Ask(ctx, owner, session, Unknown)
	if err == nil && p.Outcome == nil {
		err = errUnfinished
	}
	return p, err
}

// sessionOf finds the session of ours for an image; "" for none.
func (s *Service) sessionOf(ctx context.Context, owner identity.Owner, id string) (string, error) {
	if s.ports.Partials == nil {
		return "", nil
	}
	all, err := s.ports.Partials.All(ctx)
	if err != nil {
		return "", fault.Wrap("ingest.Complete", err)
	}
	for _, p := range all {
		if n, err := readNote(p.Note); err == nil && n.ID == id && n.Owner == owner {
			return p.ID, nil
		}
	}
	return "", nil
}

// arrived answers from the bucket alone: from what was noted, else from what
// becomes of the original now.
func (s *Service) arrived(ctx context.Context, owner identity.Owner, id string) (Progress, error) {
	r, reserved, err := s.reserved(ctx, owner, id)
	if err != nil {
		return Progress{}, err
	}
	o, concluded, err := s.concluded(ctx, owner, id)
	if err == nil && !concluded {
		o, concluded, err = s.conclude(ctx, owner, id, r)
	}
	switch {
	case errors.Is(err, errGone) && reserved && !s.ports.Now().Before(r.expiresAt(s.cfg)):
		return Progress{}, errExpired
	case errors.Is(err, errGone) && reserved:
		return Progress{}, errUnfinished
	case errors.Is(err, errGone):
		return Progress{}, errNoSession
	case err != nil:
		return Progress{}, err
	}
	if concluded && reserved {
		if err := s.ports.Blob.Delete(ctx, r.key); err != nil {
			s.ports.Log.WarnContext(ctx, "a session that has ended is still counted", "key", r.key, "err", err)
		}
	}
	return Progress{Offset: o.Original.Size, Outcome: &o, Before: !reserved}, nil
}

// reserved finds what was noted when the session was opened.
func (s *Service) reserved(ctx context.Context, owner identity.Owner, id string) (reservation, bool, error) {
	page, err := s.ports.Blob.List(ctx, reservationPrefix(owner, id), "", 1)
	if err != nil || len(page) == 0 {
		return reservation{}, false, fault.Wrap("ingest.reserved", err)
	}
	r, ok := parseReservation(page[0])
	return r, ok, nil
}

// concluded reads what was noted of a file's end.
func (s *Service) concluded(ctx context.Context, owner identity.Owner, id string) (Outcome, bool, error) {
	r, _, err := s.ports.Blob.Open(ctx, conclusionKey(owner, id), 0, -1)
	if errors.Is(err, blob.ErrNotFound) {
		return Outcome{}, false, nil
	}
	if err != nil {
		return Outcome{}, false, fault.Wrap("ingest.concluded", err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, maxManifestBytes))
	if err != nil {
		return Outcome{}, false, fault.As(fault.Unavailable, "ingest.concluded", err)
	}
	n, err := readNote(raw)
	return n.outcome(), true, err
}

// conclude waits for what becomes of an original that has arrived, or is
// errGone. Its second result is false where that takes longer.
func (s *Service) conclude(ctx context.Context, owner identity.Owner, id string, r reservation) (Outcome, bool, error) {
	info, original, err := s.brought(ctx, id, r)
	if err == nil && info.Metadata[metaOwner] != string(owner) {
		err = errGone
	}
	if err != nil {
		return Outcome{}, false, err
	}
	o := Outcome{Name: nameOf(info), Original: original}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.AnswerWithin)
	defer cancel()
	s.await(waiting, &o)
	switch {
	case o.Ready && o.Original.Companion():
		return o, true, nil
	case o.Ready:
		o.Original = originalFrom(o.Manifest)
		return o, true, nil
	case o.Err != nil:
		return o, true, nil
	}
	if noted, concluded, err := s.concluded(ctx, owner, id); concluded || err != nil {
		return noted, concluded, err // by another process meanwhile
	}
	return o, false, nil
}

// brought finds what a session has brought: an original, or a companion, as the
// session's note says. errGone: nothing yet.
func (s *Service) brought(ctx context.Context, id string, r reservation) (blob.Info, Original, error) {
	of := r.companionOf
	if of == "" {
		info, err := s.originalOf(ctx, id)
		return info, Original{ID: id, Key: info.Key, Size: info.Size, CreatedAt: identity.ImageTime(id), Album: albumOf(info)}, err
	}
	info, err := s.ports.Blob.Stat(ctx, companionKey(of))
	if errors.Is(err, blob.ErrNotFound) || err == nil && info.Metadata[metaCompanion] != id {
		err = errGone
	}
	return info, companionFrom(of, info), fault.Wrap("ingest.brought", err)
}

// originalOf finds an image's original, or is errGone. Beside it may be
// companions.
func (s *Service) originalOf(ctx context.Context, id string) (blob.Info, error) {
	key := ""
	err := blob.Each(ctx, s.ports.Blob, contract.OriginalKey(id, identity.ImageTime(id), "."), func(info blob.Info) error {
		if !isCompanion(id, info.Key) {
			key = info.Key
		}
		return nil
	})
	if err != nil {
		return blob.Info{}, fault.Wrap("ingest.originalOf", err)
	}
	if key == "" {
		return blob.Info{}, errGone
	}
	info, err := s.ports.Blob.Stat(ctx, key) // a listing has no metadata
	if errors.Is(err, blob.ErrNotFound) {
		return info, errGone
	}
	return info, fault.Wrap("ingest.originalOf", err)
}

func nameOf(info blob.Info) string {
	name, err := url.PathUnescape(info.Metadata[metaName])
	if err != nil {
		return CleanName("")
	}
	return CleanName(name)
}

// albumOf is the album that a stored file is for, cleaned; "" for none.
func albumOf(info blob.Info) string {
	album, err := url.PathUnescape(info.Metadata[metaAlbum])
	if err != nil {
		return ""
	}
	return contract.CleanAlbum(album)
}

// originalFrom is the original that a manifest describes.
func originalFrom(m contract.Manifest) Original {
	return Original{
		ID: m.ID, Key: m.Key, Name: m.Name, Size: m.Size, ContentType: m.ContentType, SHA256: m.SHA256, CreatedAt: m.CreatedAt,
	}
}

// cancelInBucket ends the counting of a session that the client has ended at the
// bucket. A session that is used all the same gives its image.
func (s *Service) cancelInBucket(ctx context.Context, owner identity.Owner, id string) error {
	r, reserved, err := s.reserved(ctx, owner, id)
	switch {
	case err != nil:
		return err
	case !reserved:
		return errNoSession
	}
	if _, _, err := s.brought(ctx, id, r); err == nil {
		return errFinished
	} else if !errors.Is(err, errGone) {
		return err
	}
	return fault.Wrap("ingest.Cancel", s.ports.Blob.Delete(ctx, r.key))
}

// noteKept and noteRefused note what came of a file, where it came through a
// session of the bucket's and its sender may still ask: before anybody else
// hears of it, since the catalog has an image that it knows already purged, and
// before a refused one is gone.
func (s *Service) noteKept(ctx context.Context, original blob.Info, m contract.Manifest) error {
	return s.noteConclusion(ctx, original, m, Outcome{Original: originalFrom(m), Manifest: m, Ready: true})
}

func (s *Service) noteRefused(ctx context.Context, original blob.Info, m contract.Manifest, reason error) error {
	return s.noteConclusion(ctx, original, m, Outcome{Err: reason})
}

func (s *Service) noteConclusion(ctx context.Context, original blob.Info, m contract.Manifest, o Outcome) error {
	if original.Metadata[metaSize] == "" || s.ports.Sessions == nil {
		return nil
	}
	n := note{Owner: identity.Owner(m.Owner), ID: m.ID, Name: m.Name, Size: m.Size}
	if o.Original.Companion() {
		n.CompanionOf = o.Original.ID
	}
	n, _ = n.conclude(o)
	raw, err := n.encode()
	if err != nil {
		return err
	}
	key := conclusionKey(n.Owner, n.ID)
	info, err := s.ports.Blob.Put(ctx, key, bytes.NewReader(raw),
		blob.WriteOptions{ContentType: "application/json", IfNotExists: true, Size: int64(len(raw))})
	switch {
	case errors.Is(err, blob.ErrExists):
		return nil // the same, from before
	case err == nil && info.Size != int64(len(raw)):
		return errors.Join(errStoredWrong.With("ingest.noteConclusion", fmt.Errorf("%s is cut", key)), s.ports.Blob.Delete(ctx, key))
	default:
		return fault.Wrap("ingest.noteConclusion", err)
	}
}
