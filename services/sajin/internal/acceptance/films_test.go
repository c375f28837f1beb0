package acceptance

import (
	"bytes"
	"net/http"
	"testing"
	"time"
)

// filmOfADuplicate: a client has sent a picture, and sends its film to the id
// that it was given, although that turned out to be another picture's.
func filmOfADuplicate(t *testing.T, _ deployment, c client) {
	f := larger(t, seedProtocol+40)
	twins := c.plan(t, time.Now(), f, f)
	_, first := c.finish(t, twins[0], c.send(t, twins[0].SessionURL, f, 0))
	c.ready(t, first.ID)
	c.finish(t, twins[1], c.send(t, twins[1].SessionURL, f, 0))
	film := file{
		name: "IMG_1.MOV", data: append([]byte("\x00\x00\x00\x14ftypqt  "), bytes.Repeat([]byte("film "), pieceBytes/4)...), companionOf: twins[1].ID,
	}
	p := c.plan(t, time.Now(), film)[0]
	if p.Status != "new" {
		t.Fatalf("the film: %+v", p)
	}
	status, result := c.finish(t, p, c.send(t, p.SessionURL, film, 0))
	if status != http.StatusCreated || result.Status != "stored" && result.Status != "processing" {
		t.Fatalf("the film: %d %+v", status, result)
	}
	eventually(t, readyWithin, "the picture that stayed has the film", func() bool { return c.image(t, first.ID).Motion.Length == len(film.data) })
	if got := c.get(t, c.image(t, first.ID).Motion.URL); !bytes.Equal(got.body, film.data) {
		t.Errorf("the film has %d bytes, want the %d that were sent", len(got.body), len(film.data))
	}
	again := c.plan(t, time.Now(), film)[0] // of the id it was sent to, until its place there is cleared
	if again.Status != "duplicate" || c.leadsTo(t, again.DuplicateOf) != first.ID {
		t.Errorf("planned again: %+v", again)
	}
	c.audit(t, map[string]string{first.ID: f.sha256()})
}
