package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// AddToAlbum puts images into an album. An image that is there stays there; one
// that is not the owner's is not found, and leaves the others alone. Errors:
// validation_failed, ErrAlbumNotFound.
func (s *Service) AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return s.members(ctx, "catalog.AddToAlbum", req, func(g *gardener) []catalogapi.MemberResult { return g.put(req.ID, req.IDs) })
}

// RemoveFromAlbum takes images out of an album. Errors: as AddToAlbum's.
func (s *Service) RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return s.members(ctx, "catalog.RemoveFromAlbum", req, func(g *gardener) []catalogapi.MemberResult { return g.take(req.ID, req.IDs) })
}

func (s *Service) members(
	ctx context.Context, op string, req catalogapi.MembersRequest, do func(*gardener) []catalogapi.MemberResult,
) (catalogapi.MembersResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.MembersResponse{}, err
	}
	if !identity.ValidImageID(req.ID) {
		return catalogapi.MembersResponse{}, ErrAlbumNotFound
	}
	if len(req.IDs) > catalogapi.MaxMembers {
		return catalogapi.MembersResponse{}, tooMany("/ids", catalogapi.MaxMembers, "images")
	}
	var out catalogapi.MembersResponse
	err = s.update(ctx, op, Scope{Owner: owner, IDs: imageIDs(req.IDs), Albums: true}, func(snapshot Snapshot) (c Changeset, err error) {
		g := newGardener(owner, snapshot, s.now())
		if _, found := g.all.byID[req.ID]; !found {
			return c, ErrAlbumNotFound
		}
		out.Results = do(g)
		g.tend(&c)
		return c, nil
	})
	if err != nil {
		return catalogapi.MembersResponse{}, err
	}
	return out, nil
}

// PutIntoAlbums puts images into albums that are named by their paths, and makes
// the albums that are not there. It does all of the request or nothing, but that
// an image that cannot be put leaves the others alone. Errors:
// validation_failed, ErrTooManyAlbums.
func (s *Service) PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.PutResponse{}, err
	}
	scope := Scope{Owner: owner, Albums: true}
	if scope.IDs, err = checkPut(req); err != nil {
		return catalogapi.PutResponse{}, err
	}
	var out catalogapi.PutResponse
	err = s.update(ctx, "catalog.PutIntoAlbums", scope, func(snapshot Snapshot) (c Changeset, err error) {
		out.Albums = make([]catalogapi.PutResult, len(req.Albums))
		g := newGardener(owner, snapshot, s.now())
		for i, album := range req.Albums {
			if out.Albums[i].AlbumID, err = g.path(contract.AlbumPath(album.Path)); err != nil {
				return c, err
			}
			out.Albums[i].Results = g.put(out.Albums[i].AlbumID, album.IDs)
		}
		g.tend(&c)
		return c, nil
	})
	if err != nil {
		return catalogapi.PutResponse{}, err
	}
	return out, nil
}

func checkPut(req catalogapi.PutRequest) (ids []string, err error) {
	if len(req.Albums) > catalogapi.MaxPutAlbums {
		return nil, tooMany("/albums", catalogapi.MaxPutAlbums, "albums")
	}
	n := 0
	var wrong []fault.Field
	for i, album := range req.Albums {
		n += len(album.IDs)
		if len(contract.AlbumPath(album.Path)) == 0 && len(wrong) < maxFields {
			wrong = append(wrong, fault.Field{Pointer: fmt.Sprintf("/albums/%d/path", i), Code: "required", Detail: "The album needs a name."})
		}
		ids = append(ids, imageIDs(album.IDs)...)
	}
	if n > catalogapi.MaxMembers {
		return nil, tooMany("/albums", catalogapi.MaxMembers, "images")
	}
	if len(wrong) > 0 {
		return nil, invalid(wrong...)
	}
	return ids, nil
}

func tooMany(pointer string, limit int, what string) error {
	return invalid(fault.Field{Pointer: pointer, Code: "too_many", Detail: fmt.Sprintf("At most %d %s may be named at once.", limit, what)})
}

// imageIDs keeps what cannot be an id away from the store.
func imageIDs(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !identity.ValidImageID(id) })
}

// sayLeftOut logs that images are not in the albums that they were uploaded to.
func (s *Service) sayLeftOut(ctx context.Context, g *gardener) {
	if g != nil && g.leftOut != nil {
		s.log.WarnContext(ctx, "an image is not in its album", "owner", g.owner, "err", g.leftOut)
	}
}

// gardener decides about albums: it makes some, puts images in and takes images
// out, and each step sees what the steps before it did.
type gardener struct {
	owner    identity.Owner
	snapshot Snapshot
	now      time.Time
	all      forest
	in       map[string][]string // the albums of each image, by now
	done     Changeset
	touched  []string // albums, in the order in which they changed
	leftOut  error    // why an upload is not in its album
}

func newGardener(owner identity.Owner, snapshot Snapshot, now time.Time) *gardener {
	g := &gardener{owner: owner, snapshot: snapshot, now: now, all: forestOf(snapshot.Albums), in: map[string][]string{}}
	for id, albums := range snapshot.Members {
		g.in[id] = slices.Clone(albums)
	}
	return g
}

// path is the album at the end of a path, made where it is not there.
func (g *gardener) path(names []string) (id string, err error) {
	for _, name := range names {
		if id, err = g.child(id, name); err != nil {
			return "", err
		}
	}
	return id, nil
}

// child is the album of a name in another, made where it is not there.
func (g *gardener) child(parent, name string) (string, error) {
	if _, found := g.all.byID[parent]; !found && parent != "" {
		return "", ErrAlbumNotFound
	}
	if id, found := g.all.byPlace[place{parent, name}]; found {
		return id, nil
	}
	if len(g.all.byID) >= catalogapi.MaxAlbums {
		return "", ErrTooManyAlbums
	}
	a := Album{ID: identity.NewImageID(g.now), Owner: g.owner, ParentID: parent, Name: name, CreatedAt: millis(g.now)}
	if err := g.all.fits(a); err != nil {
		return "", err
	}
	g.all.add(a)
	g.done.InsertAlbums = append(g.done.InsertAlbums, a)
	g.touch(a.ID)
	return a.ID, nil
}

// put puts images into an album.
func (g *gardener) put(album string, ids []string) []catalogapi.MemberResult {
	return g.each(ids, func(i Image) string {
		in := g.in[i.ID]
		switch {
		case slices.Contains(in, album):
			return catalogapi.MemberDone
		case len(in) >= catalogapi.MaxAlbumsOfImage:
			return catalogapi.MemberTooMany
		}
		g.join(album, i)
		return catalogapi.MemberDone
	})
}

func (g *gardener) join(album string, i Image) {
	g.in[i.ID] = append(g.in[i.ID], album)
	g.done.Join = append(g.done.Join, Joining{AlbumID: album, Image: i})
	g.touch(album)
}

// errInTooMany is why an upload is not in its album; the log's readers see it.
var errInTooMany = fault.Newf(fault.Conflict, "too_many_albums_of_image", "An image can be in at most %d albums.", catalogapi.MaxAlbumsOfImage)

// settle puts an upload into the album of its path. That there is no room for
// another album, or for the image in one, is no reason to lose the image.
func (g *gardener) settle(path string, i Image) {
	names := contract.AlbumPath(path)
	if len(names) == 0 {
		return
	}
	album, err := g.path(names)
	if err != nil {
		g.leftOut = err
		return
	}
	switch in := g.in[i.ID]; {
	case slices.Contains(in, album):
	case len(in) >= catalogapi.MaxAlbumsOfImage:
		g.leftOut = errInTooMany
	default:
		g.join(album, i)
	}
}

// follow puts an image into the albums of one that is merged into it, however
// many: what somebody has arranged stays arranged.
func (g *gardener) follow(merged string, original Image) {
	for _, album := range g.in[merged] {
		if !slices.Contains(g.in[original.ID], album) {
			g.join(album, original)
		}
	}
}

// take takes images out of an album.
func (g *gardener) take(album string, ids []string) []catalogapi.MemberResult {
	return g.each(ids, func(i Image) string {
		if at := slices.Index(g.in[i.ID], album); at >= 0 {
			g.in[i.ID] = slices.Delete(g.in[i.ID], at, at+1)
			g.done.Leave = append(g.done.Leave, Leaving{AlbumID: album, ImageID: i.ID})
			g.touch(album)
		}
		return catalogapi.MemberDone
	})
}

func (g *gardener) each(ids []string, do func(Image) string) []catalogapi.MemberResult {
	out := make([]catalogapi.MemberResult, len(ids))
	for n, id := range ids {
		out[n] = catalogapi.MemberResult{ID: id, Status: catalogapi.MemberNotFound}
		if i, found := g.snapshot.find(g.owner, id); found {
			out[n].Status = do(i)
		}
	}
	return out
}

func (g *gardener) touch(album string) {
	if !slices.Contains(g.touched, album) {
		g.touched = append(g.touched, album)
	}
}

// tend adds what was done to a changeset.
func (g *gardener) tend(c *Changeset) {
	c.InsertAlbums = append(c.InsertAlbums, g.done.InsertAlbums...)
	c.Join = append(c.Join, g.done.Join...)
	c.Leave = append(c.Leave, g.done.Leave...)
	for _, album := range g.touched {
		c.noteAlbum(album, catalogapi.ChangeAlbum, g.now)
	}
}
