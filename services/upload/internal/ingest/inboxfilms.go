package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// A live photo in the inbox is two files beside each other, and either may come
// first. A picture that a film may be of leaves a note behind when it is taken
// in, and then looks for its film; a film looks for the note. So whoever comes
// second sees the other. A film whose picture never comes stays where it is.

// prefixBeside holds, by a hash of the path without its extension, which image a
// picture of the inbox became: in the metadata metaSurvivor.
const prefixBeside = contract.PrefixSessions + "beside/"

// besideLife is how long a film may come after its picture. Cameras use names
// again, so it is not for ever.
const besideLife = 24 * time.Hour

// sayEvery is how often a film is spoken of that waits.
const sayEvery = 24 * time.Hour

// livePictures are the extensions of pictures that a telephone puts a film
// beside, the likelier first.
var livePictures = []string{".heic", ".heif", ".jpg", ".jpeg"}

// errWaits says that a film of the inbox stays there until its picture comes.
var errWaits = errors.New("ingest: the film waits for its picture")

// stemOf is what the names of a picture and of its film have in common.
func stemOf(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

func isFilmName(name string) bool { return strings.EqualFold(path.Ext(name), film.extension) }

// filmsLast puts the films after the pictures that they may belong to.
func filmsLast(a, b blob.Info) int {
	switch x, y := isFilmName(a.Key), isFilmName(b.Key); {
	case x == y:
		return 0
	case x:
		return 1
	default:
		return -1
	}
}

func liveRank(name string) int { return slices.Index(livePictures, strings.ToLower(path.Ext(name))) }

// besideKey is where the note of a picture is that a file of the inbox lies
// beside.
func besideKey(name string) string {
	sum := sha256.Sum256([]byte(stemOf(name)))
	return prefixBeside + hex.EncodeToString(sum[:])
}

// noteBeside says which image a picture of the inbox became, unless a likelier
// one beside it has.
func (s *Service) noteBeside(ctx context.Context, file blob.Info, f inboxFile) error {
	key := besideKey(file.Key)
	const metaKind = "kind" // the extension, as livePictures has it
	before, err := s.ports.Blob.Stat(ctx, key)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return fault.Wrap("ingest.noteBeside", err)
	}
	rank := liveRank(file.Key)
	if err == nil && (before.Metadata[metaSurvivor] == f.id ||
		s.ports.Now().Sub(before.CreatedAt) < besideLife && slices.Index(livePictures, before.Metadata[metaKind]) < rank) {
		return nil
	}
	_, err = s.ports.Blob.Put(ctx, key, bytes.NewReader(nil),
		blob.WriteOptions{Metadata: map[string]string{metaSurvivor: f.id, metaKind: livePictures[rank]}})
	return fault.Wrap("ingest.noteBeside", err)
}

// takeBeside takes the film in that lies beside a picture which has just been
// taken in, or is about to leave the inbox.
func (s *Service) takeBeside(ctx context.Context, file blob.Info, f inboxFile) error {
	if liveRank(file.Key) < 0 {
		return nil
	}
	if err := s.noteBeside(ctx, file, f); err != nil {
		return err
	}
	stem := stemOf(file.Key)
	for _, extension := range []string{film.extension, strings.ToUpper(film.extension)} {
		if err := s.takeNamed(ctx, stem+extension); err != nil {
			return err
		}
	}
	return nil
}

// takeFilm makes a film of the inbox a part of the image that the picture beside
// it became, or is errWaits.
func (s *Service) takeFilm(ctx context.Context, file blob.Info, f inboxFile) error {
	if file.Size > s.cfg.FileBytes {
		return &Refused{Reason: errTooLarge(s.cfg.FileBytes)}
	}
	note, err := s.ports.Blob.Stat(ctx, besideKey(file.Key))
	switch {
	case errors.Is(err, blob.ErrNotFound), err == nil && s.ports.Now().Sub(note.CreatedAt) >= besideLife:
		return errWaits
	case err != nil:
		return fault.Wrap("ingest.takeFilm", err)
	}
	m, err := s.pictureOf(ctx, f.owner, note.Metadata[metaSurvivor])
	if errors.Is(err, errAlone) { // purged, or never there
		return errWaits
	}
	if err != nil {
		return err
	}
	if _, err := s.sniffFileAs(ctx, file, func(head []byte, _ bool) (kind, error) { return sniffFilm(head) }); err != nil {
		return err
	}
	key, err := s.filmKey(ctx, m, f.id)
	if err != nil {
		return err
	}
	o := newOriginal(m.ID, f.name, film)
	o.Key, o.companion = key, f.id
	return s.takeAs(ctx, file, o, f)
}

// sayWaits tells once a day of a film that waits: whoever put it there may want
// to know.
func (s *Service) sayWaits(ctx context.Context, file blob.Info) {
	if !s.waiting.has(file.Key) {
		s.waiting.note(file.Key)
		s.ports.Log.InfoContext(ctx, "a film stays in the inbox: the picture that it belongs to is not there", "file", file.Key)
	}
}

// filmKey is where a film of the inbox goes: to its image's own place, or beside
// the film that is there.
func (s *Service) filmKey(ctx context.Context, m contract.Manifest, id string) (string, error) {
	key := companionKey(m.ID)
	info, err := s.ports.Blob.Stat(ctx, key)
	switch {
	case errors.Is(err, blob.ErrNotFound) && m.Motion == nil:
		return key, nil
	case err != nil && !errors.Is(err, blob.ErrNotFound):
		return "", fault.Wrap("ingest.filmKey", err)
	case err == nil && info.Metadata[metaCompanion] == id:
		return key, nil // taken before, by whoever ended then
	default:
		return movedKey(m.ID, id), nil
	}
}

// beside forgets which images the pictures of the inbox became, when no film
// belongs to them any more.
func (w *sweep) beside(ctx context.Context) error {
	return w.each(ctx, prefixBeside, prefixBeside, func(page []blob.Info) error {
		for _, info := range page {
			if !w.past(info.CreatedAt, besideLife) {
				continue
			}
			err := w.step(ctx, &w.done.Removed, "forget a picture of the inbox", info.Key, func() error {
				return fault.Wrap("ingest.Sweep", w.ports.Blob.Delete(ctx, info.Key))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
