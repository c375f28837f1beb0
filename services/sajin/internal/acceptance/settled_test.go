package acceptance

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// audit checks the gallery against what was acknowledged (id to SHA-256):
// everything acknowledged is there with its bytes, under its id, nothing is
// there twice, nothing is stuck.
func (c client) audit(t *testing.T, acknowledged map[string]string) {
	t.Helper()
	var all []imageJSON
	var missing string
	t.Cleanup(func() {
		if missing != "" {
			t.Log(missing)
		}
	})
	eventually(t, settleWithin, "what was acknowledged is there, and no image is in processing", func() bool {
		all = c.mustList(t, "")
		missing = c.missing(t, all, acknowledged)
		return missing == ""
	})
	seen, byID := map[string]string{}, map[string]imageJSON{}
	for _, img := range all {
		if twin, twice := seen[img.SHA256]; twice {
			t.Errorf("the same bytes are there twice: %s and %s", twin, img.ID)
		}
		seen[img.SHA256] = img.ID
		byID[img.ID] = img
		if img.State != "ready" {
			t.Errorf("image %s is %s", img.ID, img.State)
		}
	}
	for id, sum := range acknowledged {
		img, there := byID[id]
		if !there { // a try that was cut off has stored the same bytes before: the id leads there
			img = byID[c.image(t, id).ID]
		}
		if got := c.originalSum(t, id); got != sum || img.SHA256 != sum {
			t.Errorf("image %s: sha256 of original %s, in list %s, acknowledged %s", id, got, img.SHA256, sum)
		}
	}
}

// missing says which image of a list is in processing, or which acknowledged id
// leads to none of them; "" for neither. A catalog that was away when an upload was
// answered hears of it by the event, which comes when it comes.
func (c client) missing(t *testing.T, all []imageJSON, acknowledged map[string]string) string {
	t.Helper()
	listed := map[string]bool{}
	for _, img := range all {
		if img.State == "processing" {
			return fmt.Sprintf("in processing: %s of %s", img.ID, img.CreatedAt.Format(time.StampMilli))
		}
		listed[img.ID] = true
	}
	for id := range acknowledged {
		if !listed[id] && !listed[c.leadsTo(t, id)] {
			return fmt.Sprintf("acknowledged, and not there: %s", id)
		}
	}
	return ""
}

// leadsTo is the image that an id stands for, "" for none.
func (c client) leadsTo(t *testing.T, id string) string {
	t.Helper()
	resp := c.mustSee(t, "/api/v1/images/"+id)
	if resp.status == http.StatusNotFound {
		return ""
	}
	if resp.status != http.StatusOK {
		t.Fatalf("image %s: %d %s", id, resp.status, resp.body)
	}
	var img imageJSON
	decode(t, resp, &img)
	return img.ID
}
