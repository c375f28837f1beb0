package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// The errors about an album.
var (
	ErrAlbumNotFound = fault.New(fault.NotFound, "album_not_found", "There is no such album.")
	ErrAlbumExists   = fault.New(fault.Conflict, "album_exists", "There is an album of this name in the same place already. Choose another name.")
	ErrAlbumCycle    = fault.New(fault.Conflict, "album_cycle", "An album cannot be moved into itself, or into an album that is in it.")
	ErrAlbumTooDeep  = fault.Newf(fault.Conflict, "album_too_deep", "Albums can be at most %d deep in each other.", contract.MaxAlbumDepth)
	ErrAlbumPathLong = fault.Newf(fault.Conflict, "album_path_too_long", "The names of the albums around it are too long together: at most %d bytes.", contract.MaxAlbumPathBytes)
	ErrTooManyAlbums = fault.Newf(fault.Conflict, "too_many_albums", "There can be at most %d albums. Delete some first.", catalogapi.MaxAlbums)
)

// Album is an album as it is stored.
type Album struct {
	ID        string
	Owner     identity.Owner
	ParentID  string // empty at the top
	Name      string // a contract.AlbumName without '/'
	Images    int64  // in it and not in the trash; kept by the store
	CoverID   string // its newest image that can be shown; only where it is asked for
	CreatedAt time.Time
}

// place is where a name must be unique.
type place struct{ parent, name string }

// forest is all albums of an owner.
type forest struct {
	byID    map[string]Album
	byPlace map[place]string
	parents map[string][]string // the ids of the children, by parent
}

func forestOf(albums map[string]Album) forest {
	f := forest{byID: map[string]Album{}, byPlace: map[place]string{}, parents: map[string][]string{}}
	for _, a := range albums {
		f.add(a)
	}
	return f
}

func (f forest) add(a Album) {
	f.byID[a.ID] = a
	f.byPlace[place{a.ParentID, a.Name}] = a.ID
	f.parents[a.ParentID] = append(f.parents[a.ParentID], a.ID)
}

// above lists an album and those it is in, from the top.
func (f forest) above(id string) []Album {
	var out []Album
	for a, found := f.byID[id]; found && len(out) < contract.MaxAlbumDepth; a, found = f.byID[a.ParentID] {
		out = append(out, a)
	}
	slices.Reverse(out)
	return out
}

// path is the names of an album and those it is in, joined.
func (f forest) path(id string) string {
	above := f.above(id)
	names := make([]string, len(above))
	for i, a := range above {
		names[i] = a.Name
	}
	return strings.Join(names, "/")
}

// below lists an album and those in it, parents first.
func (f forest) below(id string) []string { return f.walk(id, contract.MaxAlbumDepth, nil) }

// walk is bounded by the depth, whatever is stored.
func (f forest) walk(id string, depth int, out []string) []string {
	out = append(out, id)
	if depth == 0 {
		return out
	}
	for _, child := range f.parents[id] {
		out = f.walk(child, depth-1, out)
	}
	return out
}

// fits reports what keeps an album, with those in it, from being where it says.
func (f forest) fits(a Album) error {
	above := f.above(a.ParentID)
	if slices.ContainsFunc(above, func(b Album) bool { return b.ID == a.ID }) {
		return ErrAlbumCycle
	}
	if taken, found := f.byPlace[place{a.ParentID, a.Name}]; found && taken != a.ID {
		return ErrAlbumExists
	}
	prefix := len(a.Name)
	if a.ParentID != "" {
		prefix += len(f.path(a.ParentID)) + len("/")
	}
	return f.fitsBelow(a.ID, len(above)+1, prefix)
}

// fitsBelow checks the depth and the path of an album, and of those in it.
func (f forest) fitsBelow(id string, depth, bytes int) error {
	switch {
	case depth > contract.MaxAlbumDepth:
		return ErrAlbumTooDeep
	case bytes > contract.MaxAlbumPathBytes:
		return ErrAlbumPathLong
	}
	for _, child := range f.parents[id] {
		if err := f.fitsBelow(child, depth+1, bytes+len("/")+len(f.byID[child].Name)); err != nil {
			return err
		}
	}
	return nil
}

// listed is all albums, parents before children and siblings by name.
func (f forest) listed() []catalogapi.Album {
	out := make([]catalogapi.Album, 0, len(f.byID))
	collator := collate.New(language.Und, collate.IgnoreCase, collate.Numeric)
	f.list("", nil, collator, &out)
	return out
}

func (f forest) list(parent string, path []string, collator *collate.Collator, out *[]catalogapi.Album) {
	if len(path) == contract.MaxAlbumDepth {
		return
	}
	children := slices.Clone(f.parents[parent])
	slices.SortFunc(children, func(a, b string) int {
		return cmp.Or(collator.CompareString(f.byID[a].Name, f.byID[b].Name), cmp.Compare(a, b))
	})
	for _, id := range children {
		a := f.byID[id]
		names := slices.Concat(path, []string{a.Name})
		*out = append(*out, a.wire(strings.Join(names, "/")))
		f.list(id, names, collator, out)
	}
}

func (a Album) wire(path string) catalogapi.Album {
	return catalogapi.Album{
		ID: a.ID, Name: a.Name, ParentID: a.ParentID, Path: path, Images: a.Images, CoverID: a.CoverID, CreatedAt: a.CreatedAt,
	}
}

// albumName is the name of an album as somebody gave it.
func albumName(raw string) (string, error) {
	name := contract.AlbumName(raw)
	switch {
	case name == "":
		return "", invalid(fault.Field{Pointer: "/name", Code: "required", Detail: "The album needs a name."})
	case strings.Contains(name, "/"):
		return "", invalid(fault.Field{Pointer: "/name", Code: "invalid", Detail: "The name of an album cannot have a slash in it."})
	case utf8.RuneCountInString(name) > contract.MaxAlbumNameRunes:
		return "", invalid(fault.Field{Pointer: "/name", Code: "too_long", Detail: albumNameLong})
	}
	return name, nil
}

var albumNameLong = fmt.Sprintf("The name of an album can have at most %d characters.", contract.MaxAlbumNameRunes)
