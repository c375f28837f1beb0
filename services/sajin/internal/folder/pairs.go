package folder

import (
	"path/filepath"
	"slices"
	"strings"
)

// live are the extensions of pictures that a telephone puts a film beside, the
// likelier first, and film is that of the film.
var live = []string{".heic", ".heif", ".jpg", ".jpeg"}

const film = ".mov"

// IsFilm tells by its name whether a file may be the film of a live photo.
func IsFilm(name string) bool { return strings.EqualFold(filepath.Ext(name), film) }

// Pairs finds the picture that a film is of: the one beside it that has the same
// name, and of several the one that a telephone makes. The zero value knows none.
type Pairs struct {
	pictures map[string]picture // by path without extension
}

type picture struct {
	key  string
	rank int
}

// Add notes a picture, by its path and the key that it is to be found by. One
// that has no films is passed over.
func (p *Pairs) Add(path, key string) {
	rank := slices.Index(live, strings.ToLower(filepath.Ext(path)))
	if rank < 0 {
		return
	}
	if p.pictures == nil {
		p.pictures = map[string]picture{}
	}
	stem := withoutExtension(path)
	if other, there := p.pictures[stem]; !there || rank < other.rank {
		p.pictures[stem] = picture{key, rank}
	}
}

// Of gives the key of the picture that a film is of; "" for none.
func (p *Pairs) Of(film string) string { return p.pictures[withoutExtension(film)].key }

func withoutExtension(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }
