package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Original is the name of an image's bytes as they were uploaded, beside the
// names of its renditions.
const Original = "original"

// Motion is the name of the moving part of a live picture.
const Motion = "motion"

// renditionName is what the name of a rendition may look like; anything else is
// not asked for.
var renditionName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

// errChanged: the file was made again between two looks at it. The next try
// sees one state.
var errChanged = fault.New(fault.Unavailable, "media_changed", "The picture has just changed. Please load it again.")

// Medium is a file of an image that the acting owner may see at this moment.
type Medium struct {
	Name        string // of the image, as shown
	ContentType string // as verified when it was taken in

	media  Media
	key    string
	sha256 string // known of originals only
	offset int64  // of what is part of a file
	length int64  // of that; 0 for a whole file
}

// Medium finds the file by the image's id and the rendition's name (or
// Original, or Motion). The catalog is asked every time, so that what was purged is gone
// at once. A trashed image's files remain visible, for the trash shows them.
func (s *Service) Medium(ctx context.Context, id, name string) (Medium, error) {
	if !renditionName.MatchString(name) {
		return Medium{}, ErrNotFound
	}
	image, err := s.Get(ctx, id)
	if err != nil {
		return Medium{}, err
	}
	m := Medium{Name: image.Name, media: s.media}
	if name == Original {
		m.key, m.ContentType, m.sha256 = image.Key, image.ContentType, image.SHA256
		return m, nil
	}
	if v := image.Motion; name == Motion && v != nil {
		m.key, m.ContentType, m.offset, m.length = v.Key, v.ContentType, v.Offset, v.Length
		return m, nil
	}
	for _, r := range image.Renditions {
		if r.Name == name {
			m.key, m.ContentType = r.Key, r.ContentType
			return m, nil
		}
	}
	return Medium{}, ErrNotFound
}

// Version is one state of a file's bytes.
type Version struct {
	Size int64
	// Tag differs whenever the bytes do: the SHA-256 of an original, the
	// checksum and the store's generation of a rendition.
	Tag string

	generation int64
}

// Stat describes the file without reading it.
func (m Medium) Stat(ctx context.Context) (Version, error) {
	r, v, err := m.Open(ctx, 0, 0)
	if err != nil {
		return Version{}, err
	}
	return v, r.Close()
}

// Open reads length bytes from offset; length < 0 reads to the end. The caller
// closes the reader.
func (m Medium) Open(ctx context.Context, offset, length int64) (io.ReadCloser, Version, error) {
	if m.length > 0 && (length < 0 || length > m.length-offset) {
		length = m.length - offset
	}
	r, info, err := m.media.Open(ctx, m.key, m.offset+offset, length)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, Version{}, ErrNotFound.With("gallery.Open", err)
	}
	if err != nil {
		return nil, Version{}, fault.Wrap("gallery.Open", err)
	}
	return r, m.version(info), nil
}

// OpenVersion is Open for a range of a version that Stat described.
func (m Medium) OpenVersion(ctx context.Context, v Version, offset, length int64) (io.ReadCloser, error) {
	r, now, err := m.Open(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	if now != v {
		_ = r.Close() // nothing was read from it
		return nil, errChanged
	}
	return r, nil
}

func (m Medium) version(info blob.Info) Version {
	tag := m.sha256
	if tag == "" {
		tag = fmt.Sprintf("%08x-%x", info.CRC32C, info.Generation)
	}
	size := info.Size
	if m.length > 0 {
		size = min(m.length, max(0, info.Size-m.offset))
	}
	return Version{Size: size, Tag: tag, generation: info.Generation}
}
