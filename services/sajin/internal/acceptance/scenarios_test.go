package acceptance

import (
	"bytes"
	"image"
	_ "image/jpeg"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// scenario is one thing that people do with Sajin. Each starts with whatever
// the ones before it left behind, as in a real gallery.
type scenario struct {
	name string
	run  func(t *testing.T, d deployment, c client)
}

// scenarios is the one acceptance table, run against every deployment.
var scenarios = []scenario{
	{"UploadManyThenList", uploadManyThenList},
	{"LookAtOne", lookAtOne},
	{"UprightWithItsDate", uprightWithItsDate},
	{"TrashAndBack", trashAndBack},
	{"DeleteForGood", deleteForGood},
	{"Duplicate", duplicate},
	{"WrongFile", wrongFile},
	{"WithoutScript", withoutScript},
	{"PagesOfTheList", pagesOfTheList},
	{"ChangesArrive", changesArrive},
	{"Sessions", sessions},
	{"SessionProtocol", sessionProtocol},
	{"SessionsNeverCompleted", sessionsNeverCompleted},
	{"SessionsTwice", sessionsTwice},
	{"FilmOfADuplicate", filmOfADuplicate},
	{"SessionsCancelled", sessionsCancelled},
	{"SessionsRefused", sessionsRefused},
	{"Albums", albums},
	{"S05_ServicesAreGuarded", servicesAreGuarded},
	{"Restart", restart},
}

// seeds keeps the photographs of the scenarios apart.
const (
	seedMany = 1000 + iota*100
	seedLook
	seedUpright
	seedTrash
	seedPurge
	seedDuplicate
	seedWrong
	seedScript
	seedPages
	seedChanges
	seedRestart
	seedAlbums
)

func photos(t *testing.T, seed uint64, n int) []file {
	t.Helper()
	out := make([]file, n)
	for i := range out {
		out[i] = photo(t, seed+uint64(i), shot{width: 640, height: 480})
	}
	return out
}

func uploadManyThenList(t *testing.T, _ deployment, c client) {
	files := photos(t, seedMany, 40)
	ids := c.mustStore(t, files...)
	listed := map[string]imageJSON{}
	for _, img := range c.mustList(t, "") {
		listed[img.ID] = img
	}
	for i, id := range ids {
		img, there := listed[id]
		if !there {
			t.Fatalf("file %d (%s) is not in the list right after it was acknowledged", i, id)
		}
		if !slices.Contains([]string{"processing", "ready"}, img.State) {
			t.Errorf("%s is %s", id, img.State)
		}
		if img.Name != files[i].name || img.SHA256 != files[i].sha256() || img.Size != int64(len(files[i].data)) {
			t.Errorf("file %d: listed as %+v", i, img)
		}
	}
	acknowledged := map[string]string{}
	for i, id := range ids {
		c.ready(t, id)
		acknowledged[id] = files[i].sha256()
	}
	c.audit(t, acknowledged)
}

func lookAtOne(t *testing.T, _ deployment, c client) {
	f := photo(t, seedLook, shot{width: 2600, height: 1950})
	img := c.ready(t, c.mustStore(t, f)[0])
	if img.Width != 2600 || img.Height != 1950 || img.ContentType != "image/jpeg" || img.Placeholder == "" {
		t.Errorf("image %+v", img)
	}
	var names []string
	for _, r := range img.Renditions {
		names = append(names, r.Name)
		resp := c.get(t, r.URL)
		config, format, err := image.DecodeConfig(bytes.NewReader(resp.body))
		if err != nil || format != "jpeg" || config.Width != r.Width || config.Height != r.Height {
			t.Errorf("%s: %v %s %dx%d, said %dx%d", r.Name, err, format, config.Width, config.Height, r.Width, r.Height)
		}
		if resp.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(resp.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: header %v", r.Name, resp.header)
		}
		etag := resp.header.Get("ETag")
		if again := c.get(t, r.URL, "If-None-Match", etag); etag == "" || again.status != http.StatusNotModified {
			t.Errorf("%s: ETag %q, then %d", r.Name, etag, again.status)
		}
	}
	if want := []string{"w320", "w1024", "w2048"}; !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) {
		t.Errorf("renditions %v", names)
	}
	part := c.get(t, img.OriginalURL, "Range", "bytes=100-199")
	if part.status != http.StatusPartialContent || !bytes.Equal(part.body, f.data[100:200]) {
		t.Errorf("range: %d, %d bytes", part.status, len(part.body))
	}
	if beyond := c.get(t, img.OriginalURL, "Range", "bytes=999999999-"); beyond.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("range beyond the end: %d", beyond.status)
	}
	if got := c.originalSum(t, img.ID); got != f.sha256() {
		t.Error("the original is not what was uploaded")
	}
}

func uprightWithItsDate(t *testing.T, _ deployment, c client) {
	at := time.Date(2019, 5, 4, 23, 30, 0, 0, time.UTC)
	f := photo(t, seedUpright, shot{width: 800, height: 600, orientation: 6, at: at, offset: "+09:00"})
	img := c.ready(t, c.mustStore(t, f)[0])
	if img.Width != 600 || img.Height != 800 {
		t.Errorf("orientation 6: %dx%d, not 600x800", img.Width, img.Height)
	}
	if want := at.Add(-9 * time.Hour); !img.TakenAt.Equal(want) {
		t.Errorf("taken at %s, not %s", img.TakenAt, want)
	}
	if img.Camera.Make != "Sajin" || img.Camera.Model != "Test 1" {
		t.Errorf("camera %+v", img.Camera)
	}
	for _, r := range img.Renditions {
		pixels, _, err := image.Decode(bytes.NewReader(c.get(t, r.URL).body))
		if err != nil {
			t.Fatal(err)
		}
		b := pixels.Bounds() // the stored top left is the upright top right
		redRight, _, blue, _ := pixels.At(b.Dx()*3/4, b.Dy()/4).RGBA()
		if b.Dx() > b.Dy() || redRight < 0xC000 || blue > 0x6000 {
			t.Errorf("%s is not upright: %v", r.Name, b)
		}
		if bytes.Contains(c.get(t, r.URL).body, []byte("Exif")) {
			t.Errorf("%s carries metadata", r.Name)
		}
	}
}

func trashAndBack(t *testing.T, _ deployment, c client) {
	id := c.mustStore(t, photos(t, seedTrash, 1)...)[0]
	c.ready(t, id)
	c.call(t, http.MethodDelete, "/api/v1/images/"+id, http.StatusOK)
	if contains(c.mustList(t, ""), id) || !contains(c.mustList(t, "trashed=true"), id) {
		t.Error("a trashed image must be in the trash, and only there")
	}
	c.call(t, http.MethodDelete, "/api/v1/images/"+id, http.StatusOK) // a repeat changes nothing
	c.call(t, http.MethodPost, "/api/v1/images/"+id+"/restore", http.StatusOK)
	if !contains(c.mustList(t, ""), id) || contains(c.mustList(t, "trashed=true"), id) {
		t.Error("a restored image must be back")
	}
}

func deleteForGood(t *testing.T, _ deployment, c client) {
	f := photos(t, seedPurge, 1)
	id := c.mustStore(t, f...)[0]
	img := c.ready(t, id)
	c.call(t, http.MethodDelete, "/api/v1/trash/"+id, http.StatusConflict) // only from the trash
	c.call(t, http.MethodDelete, "/api/v1/images/"+id, http.StatusOK)
	c.call(t, http.MethodDelete, "/api/v1/trash/"+id, http.StatusNoContent)
	c.call(t, http.MethodGet, "/api/v1/images/"+id, http.StatusNotFound)
	if resp := c.get(t, img.OriginalURL, "If-None-Match", "*"); resp.status != http.StatusNotFound {
		t.Errorf("original of a purged image: %d", resp.status)
	}
	if again := c.mustStore(t, f...)[0]; again == id {
		t.Error("a purged id came back")
	}
}

func duplicate(t *testing.T, _ deployment, c client) {
	f := photos(t, seedDuplicate, 1)[0]
	twin := file{name: "again.jpg", data: f.data}
	results := c.upload(t, f, twin)
	first, second := results[0], results[1]
	if first.Status == "duplicate" { // they are processed side by side; either may be the one that is kept
		first, second = second, first
	}
	if first.Status == "duplicate" || second.Status != "duplicate" || second.DuplicateOf != first.ID {
		t.Fatalf("in one request: %+v, %+v", first, second)
	}
	c.ready(t, first.ID)
	status, later, err := c.tryUpload(t.Context(), twin)
	if err != nil || status != http.StatusOK || later[0].DuplicateOf != first.ID || later[0].Trashed {
		t.Errorf("later: %d %+v %v", status, later, err)
	}
	c.call(t, http.MethodDelete, "/api/v1/images/"+first.ID, http.StatusOK)
	if trashed := c.upload(t, twin)[0]; trashed.DuplicateOf != first.ID || !trashed.Trashed {
		t.Errorf("in the trash: %+v", trashed)
	}
	c.call(t, http.MethodPost, "/api/v1/images/"+first.ID+"/restore", http.StatusOK)
	c.audit(t, map[string]string{first.ID: f.sha256()})
}

func wrongFile(t *testing.T, _ deployment, c client) {
	good := photos(t, seedWrong, 1)[0]
	text := file{name: "notes.jpg", data: []byte("these are words, not a picture")}
	cut := file{name: "cut.jpg", data: photos(t, seedWrong+1, 1)[0].data[:4000]}
	status, results, err := c.tryUpload(t.Context(), text, good, cut, file{name: "empty.jpg"})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("mixed: %d %v", status, err)
	}
	wantCodes := []string{"unsupported_media_type", "", "image_corrupt", "file_empty"}
	for i, want := range wantCodes {
		got := ""
		if results[i].Problem != nil {
			got = results[i].Problem.Code
		}
		if got != want || (want == "") == (results[i].Status == "refused") {
			t.Errorf("file %d: %+v, problem %+v", i, results[i], results[i].Problem)
		}
	}
	if status, _, err = c.tryUpload(t.Context(), text); err != nil || status != http.StatusUnprocessableEntity {
		t.Errorf("nothing stored: %d %v", status, err)
	}
	c.ready(t, results[1].ID)
	c.audit(t, map[string]string{results[1].ID: good.sha256()})
}

func withoutScript(t *testing.T, _ deployment, c client) {
	for i, path := range []string{"/upload", "/imageapp/upload_image/"} {
		page := c.call(t, http.MethodGet, path, http.StatusOK)
		if !bytes.Contains(page.body, []byte(`name="file_field"`)) || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s has no file field", path)
		}
		files := photos(t, seedScript+uint64(10*i), 2)
		body, contentType := form("file_field", files...)
		resp, err := c.do(t.Context(), http.MethodPost, path, contentType, body)
		if err != nil || resp.status != http.StatusOK {
			t.Fatalf("%s: %d %v: %.300s", path, resp.status, err, resp.body)
		}
		for _, f := range files {
			if !bytes.Contains(resp.body, []byte(f.name)) {
				t.Errorf("%s does not answer for %s", path, f.name)
			}
		}
	}
	home := c.call(t, http.MethodGet, "/", http.StatusOK)
	newest := c.mustList(t, "")[0]
	if !bytes.Contains(home.body, []byte("/images/"+newest.ID)) {
		t.Error("the gallery does not show the newest picture")
	}
	page := c.call(t, http.MethodGet, "/images/"+newest.ID, http.StatusOK)
	if !bytes.Contains(page.body, []byte("/media/"+newest.ID+"/")) {
		t.Error("the picture's page does not show it")
	}
}

func restart(t *testing.T, d deployment, c client) {
	files := photos(t, seedRestart, 5)
	acknowledged := map[string]string{}
	for i, id := range c.mustStore(t, files...) {
		acknowledged[id] = files[i].sha256()
	}
	d.stop(t)
	d.start(t)
	for id := range acknowledged {
		c.ready(t, id)
	}
	c.audit(t, acknowledged)
}

func contains(all []imageJSON, id string) bool {
	return slices.ContainsFunc(all, func(i imageJSON) bool { return i.ID == id })
}
