package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
)

// client carries a plan out, and notes what it is promised.
type client struct {
	*caller
	problems func(format string, args ...any) // what no client should ever see
	risky    map[string]bool                  // contents that may have been taken in more than once, or late
	whole    bool                             // the gallery has no sessions
}

// run does the plan step by step until it is done, or ctx ends.
func (c *client) run(ctx context.Context, plan Plan) {
	for _, step := range plan {
		if ctx.Err() != nil {
			return
		}
		switch step.Verb {
		case Form:
			c.form(ctx, step.Files)
		case Session:
			c.sessions(ctx, step.Files)
		case Trash:
			c.move(ctx, step.Of, http.MethodDelete, "/api/v1/images/%s", audit.InTrash)
		case Restore:
			c.move(ctx, step.Of, http.MethodPost, "/api/v1/images/%s/restore", audit.InGallery)
		case Purge:
			c.purge(ctx, step.Of)
		}
	}
}

// content is a file with its bytes.
type content struct {
	File
	data []byte
	sum  string
}

func (c *client) contents(files []File) []content {
	out := make([]content, len(files))
	for i, f := range files {
		data := f.Bytes()
		out[i] = content{f, data, sum(data)}
		c.ledger.sent(out[i].sum)
	}
	return out
}

// form sends the files in one request. One that was not answered is sent again
// as two halves, as who has a bad line does, until each file has its answer: a
// form that takes longer than the programs live would never come through.
func (c *client) form(ctx context.Context, files []File) {
	c.formFrom(ctx, c.contents(files), 0)
}

// formFrom is form after so many tries.
func (c *client) formFrom(ctx context.Context, left []content, tries int) {
	for ; len(left) > 0 && ctx.Err() == nil; tries++ {
		body, contentType := formOf(left)
		a := c.call(ctx, http.MethodPost, "/api/v1/images", body, "Content-Type", contentType)
		if !a.clean || tries > 0 || a.again() {
			c.beware(left)
		}
		if a.again() {
			c.pause(ctx, tries+1, a)
			if half := len(left) / 2; half > 0 {
				c.formFrom(ctx, left[:half], tries+1)
				left = left[half:]
			}
			continue
		}
		var answered uploadapi.UploadResponse
		if err := json.Unmarshal(a.body, &answered); err != nil || len(answered.Results) != len(left) {
			c.problems("a form of %d files was answered with %d %.300q", len(left), a.status, a.body)
			return
		}
		var again []content
		for i, r := range answered.Results {
			if !c.settle(ctx, left[i], r) {
				again = append(again, left[i])
			}
		}
		if left = again; len(left) > 0 {
			c.beware(left)
			c.pause(ctx, tries+1, a)
		}
	}
}

func (c *client) beware(files []content) {
	for _, f := range files {
		c.risky[f.sum] = true
	}
}

func formOf(files []content) ([]byte, string) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := w.CreateFormFile("files", f.Name)
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			panic(err) // a bytes.Buffer does not fail
		}
	}
	_ = w.Close()
	return body.Bytes(), w.FormDataContentType()
}

// settle notes what became of a file; false where it must be sent again.
func (c *client) settle(ctx context.Context, f content, r uploadapi.Result) bool {
	id := r.ID
	switch r.Status {
	case uploadapi.StatusDuplicate:
		id = r.DuplicateOf
	case uploadapi.StatusStored, uploadapi.StatusProcessing:
	case uploadapi.StatusRefused:
		return c.refused(ctx, f, r)
	default:
		c.problems("%s: the status %q", f.Name, r.Status)
		return true
	}
	switch {
	case id == "":
		c.problems("%s: %s without an id", f.Name, r.Status)
	case f.Kind == Wrong && r.Status != uploadapi.StatusStored:
		c.ledger.put(f.sum, audit.Refused) // it will be, or what it is the duplicate of
	case f.Kind == Wrong:
		c.problems("%s is no picture and was taken: %s", f.Name, id)
	default:
		c.ledger.count("acknowledged " + r.Status)
		c.ledger.acknowledged(f.sum, id)
	}
	return true
}

func (c *client) refused(ctx context.Context, f content, r uploadapi.Result) bool {
	switch {
	case r.Problem == nil && ctx.Err() != nil: // the run was over before the answer
	case r.Problem == nil:
		c.problems("%s was refused without a reason", f.Name)
	case (answer{status: r.Problem.Status}).again():
		return false
	case f.Kind != Wrong:
		c.problems("%s was refused: %d %s", f.Name, r.Problem.Status, r.Problem.Code)
	default:
		c.ledger.count("refused " + r.Problem.Code)
		c.ledger.put(f.sum, audit.Refused)
	}
	return true
}

// move trashes or restores a picture. Until that is answered it may be in either
// place.
func (c *client) move(ctx context.Context, f File, method, path string, to audit.Place) {
	content := sum(f.Bytes())
	id := c.ledger.id(content)
	if id == "" {
		return // the run ended, or it was refused, before it was acknowledged
	}
	c.appear(ctx, id)
	c.ledger.put(content, audit.Anywhere)
	a := c.insist(ctx, method, fmt.Sprintf(path, id), nil)
	switch {
	case a.status == http.StatusOK:
		c.ledger.put(content, to)
		c.ledger.count("moved to " + string(to))
	case ctx.Err() == nil:
		c.problems("%s %s was answered with %d %.200q", method, id, a.status, a.body)
	}
}

// appear waits until the gallery knows a picture: one that a session brought to
// the bucket, and that was answered as processing, is known when it was read.
func (c *client) appear(ctx context.Context, id string) {
	for tries := 1; ctx.Err() == nil; tries++ {
		a := c.insist(ctx, http.MethodGet, "/api/v1/images/"+id, nil)
		if a.status != http.StatusNotFound {
			return
		}
		c.pause(ctx, tries, a)
	}
}

// purge deletes a picture in the trash for good, unless its bytes may still be
// on their way from a try that the client gave up: they would be a new picture.
func (c *client) purge(ctx context.Context, f File) {
	content := sum(f.Bytes())
	id := c.ledger.id(content)
	if id == "" || c.risky[content] {
		return
	}
	c.appear(ctx, id)
	c.ledger.put(content, audit.Maybe)
	a := c.insist(ctx, http.MethodDelete, "/api/v1/trash/"+id, nil)
	switch {
	case a.status == http.StatusNoContent:
		c.ledger.put(content, audit.Purged)
		c.ledger.count("purged")
	case ctx.Err() == nil:
		c.problems("purging %s was answered with %d %.200q", id, a.status, a.body)
	}
}
