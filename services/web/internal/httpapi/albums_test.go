package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
)

// send sends JSON to the API.
func (s *site) send(method, path, body string) answer {
	return s.do(method, path, strings.NewReader(body), jsonType)
}

func (s *site) makeAlbum(body string) catalogapi.Album {
	s.t.Helper()
	return decode[catalogapi.Album](s.t, s.send(http.MethodPost, "/api/v1/albums", body).want(s.t, http.StatusOK))
}

func TestAlbumsAPI(t *testing.T) {
	s := serve(t)
	id := s.put(1)
	trips := s.makeAlbum(`{"name":"Trips"}`)
	seoul := s.makeAlbum(`{"name":"Seoul","parent_id":"` + trips.ID + `"}`)
	at := "/api/v1/albums/" + seoul.ID
	added := decode[catalogapi.MembersResponse](t, s.send(http.MethodPost, at+"/images", `{"ids":["`+id+`","x"]}`).want(t, http.StatusOK))
	if len(added.Results) != 2 || added.Results[0].Status != "done" || added.Results[1].Status != "not_found" {
		t.Errorf("added: %+v", added)
	}
	if got := decode[catalogapi.Album](t, s.get(at).want(t, http.StatusOK)); got.Path != "Trips/Seoul" || got.Images != 1 {
		t.Errorf("the album is %+v", got)
	}
	if got := s.get("/api/v1/images?album="+seoul.ID).want(t, http.StatusOK); !strings.Contains(got.body, id) {
		t.Errorf("its list is %s", got.body)
	}
	s.send(http.MethodPost, at+"/images/remove", `{"ids":["`+id+`"]}`).want(t, http.StatusOK)
	s.send(http.MethodPost, "/api/v1/album-paths", `{"albums":[{"path":"Trips/Busan","ids":["`+id+`"]}]}`).want(t, http.StatusOK)
	all := decode[catalogapi.AlbumsResponse](t, s.get("/api/v1/albums?image="+id).want(t, http.StatusOK)).Albums
	if len(all) != 3 || !all[1].HasImage || all[2].HasImage {
		t.Errorf("the albums are %+v", all)
	}
	s.send(http.MethodPatch, at, `{"name":"Busan"}`).wantProblem(t, http.StatusConflict, "album_exists")
	for range 2 {
		s.do(http.MethodDelete, "/api/v1/albums/"+trips.ID, nil).want(t, http.StatusNoContent)
	}
	for _, path := range []string{at, "/api/v1/albums/x", "/api/v1/images?album=" + seoul.ID, "/api/v1/images?album=x", "/api/v1/albums?image=x"} {
		s.get(path).wantProblem(t, http.StatusNotFound, "not_found")
	}
	s.do(http.MethodPost, "/api/v1/albums", strings.NewReader("name=x"), "Content-Type: application/x-www-form-urlencoded").
		wantProblem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
}

// Every album has its cover, also beyond what one look-up may ask for.
func TestManyAlbumsHaveCovers(t *testing.T) {
	s := serve(t)
	var put catalogapi.PutRequest
	for n := range gallery.MaxSome + 1 {
		put.Albums = append(put.Albums, catalogapi.PutAlbum{Path: fmt.Sprint("Album ", n), IDs: []string{s.put(n + 1)}})
	}
	body, err := json.Marshal(put)
	if err != nil {
		t.Fatal(err)
	}
	s.send(http.MethodPost, "/api/v1/album-paths", string(body)).want(t, http.StatusOK)
	page := s.get("/albums").want(t, http.StatusOK)
	if n, none := strings.Count(page.body, `class="cover`), strings.Count(page.body, `class="cover none`); n != gallery.MaxSome+1 || none > 0 {
		t.Errorf("of %d albums %d have no cover", n, none)
	}
}

// TestAlbumForms: all of it without script.
func TestAlbumForms(t *testing.T) {
	s := serve(t)
	id := s.put(1)
	made := s.postForm("/albums", url.Values{"name": {"Family"}}).want(t, http.StatusSeeOther).Header.Get("Location")
	if page := s.get(made).want(t, http.StatusOK); !strings.Contains(page.body, `data-album-path="Family"`) {
		t.Error("the page does not say where uploads go")
	}
	s.postForm("/images/"+id+"/albums", url.Values{"album": {"Family"}}).want(t, http.StatusSeeOther)
	if page := s.get(made); !strings.Contains(page.body, `id="p-`+id+`"`) {
		t.Error("the picture is not on the page of the album")
	}
	if page := s.get("/images/" + id); !strings.Contains(page.body, `href="`+made+`"`) {
		t.Error("the page of the picture does not name the album")
	}
	if page := s.get("/albums").want(t, http.StatusOK); !strings.Contains(page.body, "/media/"+id+"/") {
		t.Error("the album has no cover")
	}
	if fragment := s.get("/fragments/images?album=" + strings.TrimPrefix(made, "/albums/")); !strings.Contains(fragment.body, `id="p-`+id+`"`) {
		t.Error("the picture is not in the fragment")
	}
	s.postForm("/images/"+id+"/"+strings.TrimPrefix(made, "/")+"/remove", nil).want(t, http.StatusSeeOther)
	if page := s.get(made); strings.Contains(page.body, `id="p-`+id+`"`) {
		t.Error("the picture is still on the page of the album")
	}
	s.postForm(made+"/rename", url.Values{"name": {"Friends"}}).want(t, http.StatusSeeOther)
	if page := s.get(made); !strings.Contains(page.body, "<h1>Friends</h1>") {
		t.Error("the album has its old name")
	}
	if next := s.postForm(made+"/delete", nil).want(t, http.StatusSeeOther).Header.Get("Location"); next != "/albums?notice=album_deleted" {
		t.Errorf("deleting leads to %s", next)
	}
	s.get(made).wantErrorPage(t, http.StatusNotFound)
	s.postForm("/albums", url.Values{"name": {" "}}).wantErrorPage(t, http.StatusBadRequest)
	s.postForm("/images/"+id+"/albums", url.Values{"album": {""}}).wantErrorPage(t, http.StatusBadRequest)
	if page := s.get("/upload?album=Trips%2FSeoul"); !strings.Contains(page.body, `value="Trips/Seoul"`) {
		t.Error("the form does not suggest the album")
	}
}
