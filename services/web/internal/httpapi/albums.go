package httpapi

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

const (
	albumsPath = "/albums"
	// maxSuggested is how many albums a page suggests to put a picture into.
	maxSuggested = 200
	// maxCovers is how many covers a page of albums has: each is looked up by itself.
	maxCovers = 1000
)

// routeAlbums registers what people use about albums.
func (s *Server) routeAlbums() {
	s.site.HandleFunc("GET "+albumsPath, s.inTime(s.showAlbums))
	s.site.HandleFunc("POST "+albumsPath, s.inTime(s.makeAlbum))
	s.site.HandleFunc("GET /albums/{id}", s.inTime(s.showAlbum))
	s.site.HandleFunc("POST /albums/{id}/rename", s.inTime(s.renameAlbum))
	s.site.HandleFunc("POST /albums/{id}/delete", s.inTime(s.dropAlbum))
	s.site.HandleFunc("POST /images/{id}/albums", s.inTime(s.putImage))
	s.site.HandleFunc("POST /images/{id}/albums/{album}/remove", s.inTime(s.takeImage))
}

func (s *Server) showAlbums(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "notice", "notice_id")
	if err != nil {
		return err
	}
	all, err := s.Gallery.Albums(r.Context(), catalogapi.AlbumsRequest{})
	if err != nil {
		return err
	}
	view := pages.AlbumsView{Frame: s.frame(r), Albums: s.cardsIn(r.Context(), all.Albums, "")}
	view.Notice, view.NoticeID = notice(q)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Albums(out, view) })
}

func (s *Server) showAlbum(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "cursor", "notice", "notice_id")
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	found, err := s.Gallery.AlbumPage(r.Context(), catalogapi.ListRequest{Album: id, Cursor: q.String("cursor")})
	if err != nil {
		return err
	}
	above := albumsAbove(found.Albums, id)
	if len(above) == 0 { // deleted between the two looks
		return gallery.ErrNotFound
	}
	album := above[len(above)-1]
	view := pages.AlbumView{
		Frame: s.frame(r), Grid: gridOf(found.Page.Images, found.Page.NextCursor), ID: id, Name: album.Name, AlbumPath: album.Path, Total: album.Images,
		Inner: s.cardsIn(r.Context(), found.Albums, id), Deep: len(above) >= contract.MaxAlbumDepth, ChangesCursor: found.ChangesCursor,
	}
	for _, a := range above[:len(above)-1] {
		view.Above = append(view.Above, pages.AlbumLink{ID: a.ID, Name: a.Name})
	}
	view.Title = album.Name
	view.Notice, view.NoticeID = notice(q)
	return writePage(w, http.StatusOK, func(out io.Writer) error { return s.Pages.Album(out, view) })
}

// albumsAbove lists an album and those it is in, from the top.
func albumsAbove(all []catalogapi.Album, id string) (out []catalogapi.Album) {
	for _, a := range slices.Backward(all) { // parents come before their children
		if a.ID == id {
			out = append(out, a)
			id = a.ParentID
		}
	}
	slices.Reverse(out)
	return out
}

// cardsIn is the albums in one, with their covers. An album without pictures of
// its own shows one of an album in it. A cover that cannot be had leaves a blank.
func (s *Server) cardsIn(ctx context.Context, all []catalogapi.Album, parent string) []pages.AlbumCard {
	covers, inner := map[string]string{}, map[string]int{}
	for _, a := range slices.Backward(all) {
		covers[a.ID] = cmp.Or(a.CoverID, covers[a.ID])
		covers[a.ParentID] = cmp.Or(covers[a.ID], covers[a.ParentID])
		inner[a.ParentID]++
	}
	var out []pages.AlbumCard
	var ids []string
	for _, a := range all {
		if a.ParentID != parent {
			continue
		}
		out = append(out, pages.AlbumCard{AlbumLink: pages.AlbumLink{ID: a.ID, Name: a.Name}, Images: a.Images, Albums: inner[a.ID]})
		if cover := covers[a.ID]; cover != "" && !slices.Contains(ids, cover) && len(ids) < maxCovers {
			ids = append(ids, cover)
		}
	}
	figures := s.figuresByID(ctx, ids)
	for i := range out {
		out[i].Cover = figures[covers[out[i].ID]]
	}
	return out
}

// figuresByID looks pictures up. They are an extra: those that cannot be had are
// missing.
func (s *Server) figuresByID(ctx context.Context, ids []string) map[string]*pages.Figure {
	figures := map[string]*pages.Figure{}
	for some := range slices.Chunk(ids, gallery.MaxSome) {
		found, err := s.Gallery.Some(ctx, some, false)
		for _, image := range found {
			figure := figureOf(image)
			figures[image.ID] = &figure
		}
		if err != nil {
			s.Log.WarnContext(ctx, "the covers of the albums could not be had", "err", err)
			break
		}
	}
	return figures
}

// makeAlbum makes an album and leads to it.
func (s *Server) makeAlbum(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	album, err := s.Gallery.CreateAlbum(r.Context(), catalogapi.NewAlbum{Name: form.Get("name"), ParentID: form.Get("parent")})
	if err != nil {
		return err
	}
	seeOther(w, &url.URL{Path: albumsPath + "/" + album.ID})
	return nil
}

func (s *Server) renameAlbum(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	album, err := s.Gallery.ChangeAlbum(r.Context(), catalogapi.AlbumChange{ID: r.PathValue("id"), Name: new(form.Get("name"))})
	if err != nil {
		return err
	}
	seeOther(w, &url.URL{Path: albumsPath + "/" + album.ID})
	return nil
}

// dropAlbum deletes an album and leads to the one that it was in.
func (s *Server) dropAlbum(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	id := r.PathValue("id")
	next := &url.URL{Path: albumsPath, RawQuery: "notice=album_deleted"}
	if album, err := s.Gallery.Album(r.Context(), id); err == nil && album.ParentID != "" {
		next.Path += "/" + album.ParentID
	}
	if err := s.Gallery.DeleteAlbum(r.Context(), id); err != nil {
		return err
	}
	seeOther(w, next)
	return nil
}

// putImage puts a picture into the album of a path, which may be new.
func (s *Server) putImage(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if _, err := s.Gallery.Get(r.Context(), id); err != nil {
		return err
	}
	resp, err := s.Gallery.PutIntoAlbums(r.Context(), catalogapi.PutRequest{Albums: []catalogapi.PutAlbum{{Path: form.Get("album"), IDs: []string{id}}}})
	if err != nil {
		return err
	}
	if full(resp) {
		return errAlbumsOfImage
	}
	seeOther(w, &url.URL{Path: "/images/" + id})
	return nil
}

var errAlbumsOfImage = fault.Newf(fault.Conflict, "too_many_albums_of_image", "A picture can be in at most %d albums.", catalogapi.MaxAlbumsOfImage)

func full(resp catalogapi.PutResponse) bool {
	return slices.ContainsFunc(resp.Albums, func(a catalogapi.PutResult) bool {
		return slices.ContainsFunc(a.Results, func(m catalogapi.MemberResult) bool { return m.Status == catalogapi.MemberTooMany })
	})
}

func (s *Server) takeImage(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	id := r.PathValue("id")
	if _, err := s.Gallery.Get(r.Context(), id); err != nil {
		return err
	}
	_, err := s.Gallery.RemoveFromAlbum(r.Context(), catalogapi.MembersRequest{ID: r.PathValue("album"), IDs: []string{id}})
	if err != nil {
		return err
	}
	seeOther(w, &url.URL{Path: "/images/" + id})
	return nil
}

// albumsOf is the albums of a picture and those that it could be put into. They
// are an extra: without them the page still shows the picture.
func (s *Server) albumsOf(ctx context.Context, image catalogapi.Image) (in []pages.AlbumLink, others []string) {
	if image.TrashedAt != nil {
		return nil, nil
	}
	all, err := s.Gallery.Albums(ctx, catalogapi.AlbumsRequest{Image: image.ID})
	if err != nil {
		s.Log.WarnContext(ctx, "the albums of a picture could not be listed", "err", err)
	}
	for _, a := range all.Albums {
		if a.HasImage {
			in = append(in, pages.AlbumLink{ID: a.ID, Name: strings.ReplaceAll(a.Path, "/", " / ")})
		} else if len(others) < maxSuggested {
			others = append(others, a.Path)
		}
	}
	return in, others
}
