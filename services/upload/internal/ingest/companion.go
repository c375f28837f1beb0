package ingest

import (
	"context"
	"errors"
	"slices"
	"strings"

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

// maxFilms is how many further films an image may have. A client can give it
// one; each of the others came with a copy of the picture.
const maxFilms = 16

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

// companionKey is where the film of an image goes that is sent to it.
func companionKey(id string) string {
	return contract.OriginalKey(id, identity.ImageTime(id), film.extension)
}

// movedKey is where a film goes that was sent to a duplicate of the image. It
// follows from the film, so that moving it again leads to the same place.
func movedKey(id, planned string) string {
	return contract.OriginalKey(id, identity.ImageTime(id), "."+planned+film.extension)
}

func isCompanion(id, key string) bool {
	rest, own := strings.CutPrefix(key, contract.OriginalKey(id, identity.ImageTime(id), ""))
	planned, ends := strings.CutSuffix(rest, film.extension)
	return own && ends && (planned == "" || planned[0] == '.' && identity.ValidImageID(planned[1:]))
}

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

// admit judges a planned companion, and says of which image it is; an image is
// admitted unseen. The error is the store's.
func (s *Service) admit(ctx context.Context, owner identity.Owner, f *Planned) (Opened, error) {
	if f.CompanionOf == "" {
		return Opened{}, nil
	}
	m, err := s.pictureOf(ctx, owner, f.CompanionOf)
	switch {
	case errors.Is(err, errAlone):
		return Opened{Err: err}, nil
	case err != nil:
		return Opened{}, err
	case slices.ContainsFunc(m.Beside(), f.describes):
		return Opened{Known: m.ID}, nil
	case m.Motion != nil:
		return Opened{Err: errHasCompanion}, nil
	default:
		f.CompanionOf = m.ID
		return Opened{}, nil
	}
}

// describes reports whether a film is the planned file, as far as that is said.
func (f *Planned) describes(v contract.Motion) bool {
	return v.Length == f.Size && (f.SHA256 == "" || v.SHA256 == f.SHA256)
}

// admitWhole judges a companion that comes whole, of unknown size, and says of
// which image it is.
func (s *Service) admitWhole(ctx context.Context, owner identity.Owner, id string) (string, error) {
	m, err := s.pictureOf(ctx, owner, id)
	if err == nil && m.Motion != nil {
		err = errHasCompanion
	}
	return m.ID, err
}

// maxMerges is how often an image may have turned out to be a duplicate of
// another, one after the other.
const maxMerges = 8

// pictureOf finds the image of a companion, or the one that it turned out to be
// a duplicate of: its manifest or, where it is not made yet, its id alone.
// errAlone: it is not there or another owner's, which is not told apart.
func (s *Service) pictureOf(ctx context.Context, owner identity.Owner, id string) (contract.Manifest, error) {
	for range maxMerges {
		if !identity.ValidImageID(id) {
			break
		}
		m, err := s.known(ctx, id)
		if errors.Is(err, errGone) {
			if id, err = s.survivor(ctx, id); err == nil {
				continue
			}
		}
		if errors.Is(err, errGone) || err == nil && m.Owner != string(owner) {
			break
		}
		return m, err
	}
	return contract.Manifest{}, errAlone
}

// known is an image's manifest, or as much of it as its original says.
func (s *Service) known(ctx context.Context, id string) (contract.Manifest, error) {
	m, err := s.readManifest(ctx, id)
	if !errors.Is(err, blob.ErrNotFound) {
		return m, err
	}
	info, err := s.originalOf(ctx, id)
	return contract.Manifest{ID: id, Owner: info.Metadata[metaOwner]}, err
}
