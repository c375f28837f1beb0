package gallerytest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// album is an album with its members.
type album struct {
	catalogapi.Album
	members map[string]bool
}

// wire is the album as it is listed.
func (c *Catalog) wire(a *album) catalogapi.Album {
	out := a.Album
	out.Path = a.Name
	if parent, found := c.albums[a.ParentID]; found {
		out.Path = c.wire(parent).Path + "/" + a.Name
	}
	in := c.ordered(func(i catalogapi.Image) bool { return i.TrashedAt == nil && a.members[i.ID] })
	out.Images = int64(len(in))
	if at := slices.IndexFunc(in, func(i catalogapi.Image) bool { return i.State == catalogapi.StateReady }); at >= 0 {
		out.CoverID = in[at].ID
	}
	return out
}

func (c *Catalog) noteAlbum(id, kind string) {
	c.feed = append(c.feed, catalogapi.Change{AlbumID: id, Kind: kind, At: time.Now().UTC()})
	close(c.changed)
	c.changed = make(chan struct{})
}

// Albums lists all albums by their paths.
func (c *Catalog) Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.AlbumsResponse{}, err
	}
	if _, found := c.images[req.Image]; !found && req.Image != "" {
		return catalogapi.AlbumsResponse{}, errNotFound
	}
	var out catalogapi.AlbumsResponse
	for _, a := range c.albums {
		listed := c.wire(a)
		listed.HasImage = a.members[req.Image]
		out.Albums = append(out.Albums, listed)
	}
	slices.SortFunc(out.Albums, func(a, b catalogapi.Album) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// Album gives one album.
func (c *Catalog) Album(ctx context.Context, id string) (catalogapi.Album, error) {
	defer c.mu.Unlock()
	a, err := c.find(ctx, id)
	if err != nil {
		return catalogapi.Album{}, err
	}
	return c.wire(a), nil
}

func (c *Catalog) find(ctx context.Context, id string) (*album, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	a, found := c.albums[id]
	if !found {
		return nil, errNotFound
	}
	return a, nil
}

// CreateAlbum makes an album, or gives the one that is there.
func (c *Catalog) CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.Album{}, err
	}
	name := contract.AlbumName(req.Name)
	if name == "" || strings.Contains(name, "/") {
		return catalogapi.Album{}, fault.New(fault.Invalid, "validation_failed", "The album needs a name.")
	}
	if _, found := c.albums[req.ParentID]; !found && req.ParentID != "" {
		return catalogapi.Album{}, errNotFound
	}
	return c.wire(c.child(req.ParentID, name)), nil
}

func (c *Catalog) child(parent, name string) *album {
	for _, a := range c.albums {
		if a.ParentID == parent && a.Name == name {
			return a
		}
	}
	now := time.Now().UTC()
	a := &album{Album: catalogapi.Album{ID: identity.NewImageID(now), Name: name, ParentID: parent, CreatedAt: now}, members: map[string]bool{}}
	c.albums[a.ID] = a
	c.noteAlbum(a.ID, catalogapi.ChangeAlbum)
	return a
}

// ChangeAlbum renames or moves an album.
func (c *Catalog) ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error) {
	defer c.mu.Unlock()
	a, err := c.find(ctx, req.ID)
	if err != nil {
		return catalogapi.Album{}, err
	}
	name, parent := a.Name, a.ParentID
	if req.Name != nil {
		name = contract.AlbumName(*req.Name)
	}
	if req.ParentID != nil {
		parent = *req.ParentID
	}
	for _, other := range c.albums {
		if other != a && other.Name == name && other.ParentID == parent {
			return catalogapi.Album{}, fault.New(fault.Conflict, "album_exists", "There is an album of this name already.")
		}
	}
	a.Name, a.ParentID = name, parent
	c.noteAlbum(a.ID, catalogapi.ChangeAlbum)
	return c.wire(a), nil
}

// DeleteAlbum deletes an album and those in it.
func (c *Catalog) DeleteAlbum(ctx context.Context, id string) error {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return err
	}
	c.drop(id)
	return nil
}

func (c *Catalog) drop(id string) {
	if _, found := c.albums[id]; !found {
		return
	}
	delete(c.albums, id)
	c.noteAlbum(id, catalogapi.ChangeAlbumRemoved)
	for child, a := range c.albums {
		if a.ParentID == id {
			c.drop(child)
		}
	}
}

// AddToAlbum puts images into an album.
func (c *Catalog) AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return c.change(ctx, req, true)
}

// RemoveFromAlbum takes images out of an album.
func (c *Catalog) RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return c.change(ctx, req, false)
}

func (c *Catalog) change(ctx context.Context, req catalogapi.MembersRequest, in bool) (catalogapi.MembersResponse, error) {
	defer c.mu.Unlock()
	a, err := c.find(ctx, req.ID)
	if err != nil {
		return catalogapi.MembersResponse{}, err
	}
	return catalogapi.MembersResponse{Results: c.members(a, req.IDs, in)}, nil
}

func (c *Catalog) members(a *album, ids []string, in bool) []catalogapi.MemberResult {
	out := make([]catalogapi.MemberResult, len(ids))
	for i, id := range ids {
		out[i] = catalogapi.MemberResult{ID: id, Status: catalogapi.MemberNotFound}
		if _, found := c.images[id]; !found {
			continue
		}
		out[i].Status = catalogapi.MemberDone
		a.members[id] = in
	}
	c.noteAlbum(a.ID, catalogapi.ChangeAlbum)
	return out
}

// PutIntoAlbums makes the albums of the paths and puts images into them.
func (c *Catalog) PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.PutResponse{}, err
	}
	var out catalogapi.PutResponse
	for _, put := range req.Albums {
		a := c.path(put.Path)
		if a == nil {
			return catalogapi.PutResponse{}, fault.New(fault.Invalid, "validation_failed", "The album needs a name.")
		}
		out.Albums = append(out.Albums, catalogapi.PutResult{AlbumID: a.ID, Results: c.members(a, put.IDs, true)})
	}
	return out, nil
}

func (c *Catalog) path(path string) (a *album) {
	parent := ""
	for _, name := range contract.AlbumPath(path) {
		a = c.child(parent, name)
		parent = a.ID
	}
	return a
}
