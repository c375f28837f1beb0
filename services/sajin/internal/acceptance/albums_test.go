package acceptance

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"slices"
	"testing"
)

// albumJSON is an album as the API shows it.
type albumJSON struct {
	ID     string `json:"id"`
	Path   string `json:"path"`
	Images int    `json:"images"`
	Cover  string `json:"cover_id"`
}

// albums: what is uploaded into an album is in it, what is there already is put
// into a second one, and deleting an album deletes no picture.
func albums(t *testing.T, _ deployment, c client) {
	files := photos(t, seedAlbums, 3)
	const path = "Trips/Seoul 2026"
	ids := c.uploadInto(t, path, "stored", files...)
	seoul := c.album(t, path)
	if seoul.Images != len(files) {
		t.Errorf("%s counts %d images right after the upload, want %d", path, seoul.Images, len(files))
	}
	c.mustShow(t, seoul.ID, ids)
	for _, id := range ids {
		c.ready(t, id) // the events have come too, and put nothing there twice
	}
	c.mustShow(t, seoul.ID, ids)
	if trips := c.album(t, "Trips"); trips.Images != 0 {
		t.Errorf("the album around it counts %d images", trips.Images)
	}

	c.uploadInto(t, "Best", "duplicate", files[:2]...)
	plan := c.planInto(t, "Best", files[2])
	if plan.Status != "duplicate" || plan.DuplicateOf != ids[2] {
		t.Errorf("the plan for a file that is there = %+v", plan)
	}
	best := c.album(t, "Best")
	c.mustShow(t, best.ID, ids)

	for range 2 {
		c.call(t, http.MethodDelete, "/api/v1/albums/"+best.ID, http.StatusNoContent)
	}
	c.call(t, http.MethodGet, "/api/v1/images?album="+best.ID, http.StatusNotFound)
	c.mustShow(t, seoul.ID, ids)
	for _, id := range ids {
		c.image(t, id)
	}
	if page := c.get(t, "/albums/"+seoul.ID); page.status != http.StatusOK || !bytes.Contains(page.body, []byte(`data-album-path="`+path+`"`)) {
		t.Errorf("the page of the album: %d", page.status)
	}
}

// uploadInto posts files with the field album before them, and gives the ids of
// the images that they are.
func (c client) uploadInto(t *testing.T, album, want string, files ...file) (ids []string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := w.WriteField("album", album); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		part, err := w.CreateFormFile("file", f.name)
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	resp, err := c.do(t.Context(), http.MethodPost, "/api/v1/images", w.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Results []struct {
			Status      string `json:"status"`
			ID          string `json:"id"`
			DuplicateOf string `json:"duplicate_of"`
		} `json:"results"`
	}
	decode(t, resp, &answer)
	for _, r := range answer.Results {
		if r.Status != want && !(want == "stored" && r.Status == "processing") {
			t.Fatalf("the results are %s, want %s", resp.body, want)
		}
		ids = append(ids, r.ID+r.DuplicateOf)
	}
	return ids
}

// planInto plans to send a file from a folder.
func (c client) planInto(t *testing.T, folder string, f file) plannedJSON {
	t.Helper()
	body, err := json.Marshal(map[string]any{"files": []map[string]any{
		{"name": f.name, "size": len(f.data), "sha256": f.sha256(), "path": folder},
	}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.do(t.Context(), http.MethodPost, "/api/v1/uploads", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Files []plannedJSON `json:"files"`
	}
	decode(t, resp, &answer)
	if len(answer.Files) != 1 {
		t.Fatalf("the plan is answered with %s", resp.body)
	}
	return answer.Files[0]
}

func (c client) album(t *testing.T, path string) albumJSON {
	t.Helper()
	var all struct {
		Albums []albumJSON `json:"albums"`
	}
	decode(t, c.call(t, http.MethodGet, "/api/v1/albums", http.StatusOK), &all)
	at := slices.IndexFunc(all.Albums, func(a albumJSON) bool { return a.Path == path })
	if at < 0 {
		t.Fatalf("there is no album %s among %+v", path, all.Albums)
	}
	return all.Albums[at]
}

// mustShow checks which images an album shows.
func (c client) mustShow(t *testing.T, album string, want []string) {
	t.Helper()
	all, err := c.list(t.Context(), "album="+album)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(all))
	for i := range all {
		got[i] = all[i].ID
	}
	slices.Sort(got)
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		t.Errorf("the album shows %v, want %v", got, want)
	}
}
