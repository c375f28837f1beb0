package acceptance

import (
	"encoding/json"
	_ "image/jpeg"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func pagesOfTheList(t *testing.T, _ deployment, c client) {
	at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	var files []file
	for i := range 7 { // all at the same second: the order must still be total
		files = append(files, photo(t, seedPages+uint64(i), shot{width: 200, height: 150, at: at, offset: "+00:00"}))
	}
	for _, id := range c.mustStore(t, files...) {
		c.ready(t, id)
	}
	whole := c.mustList(t, "")
	if !slices.IsSortedFunc(whole, newestFirst) {
		t.Error("the list is not newest first")
	}
	var walked []string
	path := "/api/v1/images?limit=3"
	for path != "" {
		var page struct {
			Images     []imageJSON `json:"images"`
			NextCursor string      `json:"next_cursor"`
		}
		decode(t, c.call(t, http.MethodGet, path, http.StatusOK), &page)
		for _, img := range page.Images {
			walked = append(walked, img.ID)
		}
		path = ""
		if page.NextCursor != "" {
			path = "/api/v1/images?limit=3&cursor=" + page.NextCursor
		}
	}
	var want []string
	for _, img := range whole {
		want = append(want, img.ID)
	}
	if !slices.Equal(walked, want) {
		t.Errorf("three at a time gives %d images, all at once %d, or another order", len(walked), len(want))
	}
}

func newestFirst(a, b imageJSON) int {
	if by := b.TakenAt.Compare(a.TakenAt); by != 0 {
		return by
	}
	return strings.Compare(b.ID, a.ID)
}

func changesArrive(t *testing.T, _ deployment, c client) {
	type change struct {
		ImageID string `json:"image_id"`
		Kind    string `json:"kind"`
	}
	type feed struct {
		Changes []change `json:"changes"`
		Cursor  string   `json:"cursor"`
	}
	var now feed
	decode(t, c.call(t, http.MethodGet, "/api/v1/changes", http.StatusOK), &now)
	answer := make(chan response, 1)
	go func() {
		resp, err := c.do(t.Context(), http.MethodGet, "/api/v1/changes?wait_ms=25000&cursor="+now.Cursor, "", nil)
		if err != nil {
			resp.body = []byte(err.Error())
		}
		answer <- resp
	}()
	id := c.mustStore(t, photos(t, seedChanges, 1)...)[0]
	var got feed
	resp := <-answer
	if err := json.Unmarshal(resp.body, &got); err != nil || len(got.Changes) == 0 {
		t.Fatalf("long poll: %d %s", resp.status, resp.body)
	}
	added := func() bool { return slices.Contains(got.Changes, change{ImageID: id, Kind: "added"}) }
	// What others sent before may still be on its way to ready, and wake it first.
	for deadline := time.Now().Add(readyWithin); !added() && time.Now().Before(deadline); {
		decode(t, c.call(t, http.MethodGet, "/api/v1/changes?wait_ms=5000&cursor="+got.Cursor, http.StatusOK), &got)
	}
	if !added() {
		t.Errorf("changes %+v, want %s added", got.Changes, id)
	}
}
