package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// step is the unit in which a file that is not whole must arrive.
const step = 256 << 10

// sessions plans the files, and sends each that is new through its session.
// Where the gallery has no sessions they go in a form.
func (c *client) sessions(ctx context.Context, files []File) {
	if c.whole {
		c.form(ctx, files)
		return
	}
	left := c.contents(files)
	for len(left) > 0 && ctx.Err() == nil {
		results, ok := c.plan(ctx, left)
		if c.whole {
			c.form(ctx, files)
			return
		}
		if !ok {
			return
		}
		var again []content
		for i, r := range results {
			if !c.planned(ctx, left[i], r) {
				again = append(again, left[i])
			}
		}
		left = again
	}
}

// plan asks for a session for each file. Every second file says its SHA-256, so
// that what is there already is not sent.
func (c *client) plan(ctx context.Context, files []content) ([]uploadapi.PlanResult, bool) {
	var req uploadapi.PlanRequest
	for i, f := range files {
		planned := uploadapi.PlanFile{Name: f.Name, Size: uploadapi.Length(len(f.data))}
		if i%2 == 0 {
			planned.SHA256 = f.sum
		}
		req.Files = append(req.Files, planned)
	}
	body, err := json.Marshal(req)
	if err != nil {
		c.problems("plan: %v", err)
		return nil, false
	}
	a := c.insist(ctx, http.MethodPost, "/api/v1/uploads", body, "Content-Type", "application/json")
	if a.status == http.StatusUnsupportedMediaType && codeOf(a) == "sessions_unsupported" {
		c.whole = true
		return nil, false
	}
	var answered uploadapi.PlanResponse
	if err := json.Unmarshal(a.body, &answered); err != nil || len(answered.Files) != len(files) {
		if ctx.Err() == nil {
			c.problems("a plan of %d files was answered with %d %.300q", len(files), a.status, a.body)
		}
		return nil, false
	}
	return answered.Files, true
}

// planned does what the plan says of a file; false where it must be planned
// again.
func (c *client) planned(ctx context.Context, f content, r uploadapi.PlanResult) bool {
	if r.Status == uploadapi.StatusNew {
		return c.send(ctx, f, r)
	}
	return c.settle(ctx, f, uploadapi.Result{Status: r.Status, DuplicateOf: r.DuplicateOf, Problem: r.Problem})
}

// send sends a file chunk by chunk. After whatever went wrong it asks how far
// the session has come, and goes on from there.
func (c *client) send(ctx context.Context, f content, r uploadapi.PlanResult) bool {
	session, offset, tries := r.SessionURL, 0, 0
	for ctx.Err() == nil {
		var a answer
		if tries == 0 {
			a = c.chunk(ctx, f, session, offset)
		} else {
			c.ledger.count("status queries")
			a = c.call(ctx, http.MethodPut, session, nil, "Content-Range", fmt.Sprintf("bytes */%d", len(f.data)))
		}
		switch {
		case a.status == http.StatusPermanentRedirect:
			offset, tries = nextOf(a), 0
		case a.status == http.StatusOK || a.status == http.StatusCreated:
			if !strings.HasPrefix(session, "/") { // the bucket has it: what became of it is asked of us
				a = c.insist(ctx, http.MethodPost, strings.Replace("/api"+uploadapi.PathComplete, "{id}", r.ID, 1), nil)
			}
			return c.ended(ctx, f, a)
		case a.status == http.StatusNotFound || a.status == http.StatusGone:
			c.ledger.count("sessions gone")
			c.risky[f.sum] = true
			return false // expired: plan again
		case a.again() || a.status == http.StatusConflict || codeOf(a) == "body_incomplete":
			tries++
			c.pause(ctx, tries, a)
		default:
			return c.settle(ctx, f, uploadapi.Result{Status: uploadapi.StatusRefused, Problem: problemOf(a)})
		}
	}
	return true
}

func (c *client) chunk(ctx context.Context, f content, session string, offset int) answer {
	end := min(offset+step, len(f.data))
	return c.call(ctx, http.MethodPut, session, f.data[offset:end],
		"Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, end-1, len(f.data)))
}

// nextOf is the offset that an answer's Range asks for.
func nextOf(a answer) int {
	_, last, found := strings.Cut(a.header.Get("Range"), "-")
	n, err := strconv.Atoi(last)
	if !found || err != nil {
		return 0
	}
	return n + 1
}

// ended takes the answer about a file that is whole; false where the file must be
// planned again.
func (c *client) ended(ctx context.Context, f content, a answer) bool {
	switch a.status {
	case http.StatusOK, http.StatusCreated:
		return c.taken(ctx, f, a)
	case http.StatusNotFound, http.StatusGone:
		c.ledger.count("sessions gone")
		c.risky[f.sum] = true
		return false
	default:
		return c.settle(ctx, f, uploadapi.Result{Status: uploadapi.StatusRefused, Problem: problemOf(a)})
	}
}

func (c *client) taken(ctx context.Context, f content, a answer) bool {
	var r uploadapi.Result
	if err := json.Unmarshal(a.body, &r); err != nil {
		c.problems("%s: the session's answer %d %.300q", f.Name, a.status, a.body)
		return true
	}
	c.ledger.count("files through sessions")
	return c.settle(ctx, f, r)
}

func problemOf(a answer) *problem.Details {
	var p problem.Details
	if err := json.Unmarshal(a.body, &p); err != nil || p.Code == "" {
		return nil
	}
	p.Status = a.status
	return &p
}

func codeOf(a answer) string {
	if p := problemOf(a); p != nil {
		return p.Code
	}
	return ""
}
