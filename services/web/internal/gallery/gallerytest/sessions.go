package gallerytest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// NoSessions is the part of a gallery.Uploader that has to do with sessions,
// where there are none.
type NoSessions struct{}

var errNoSession = fault.New(fault.NotFound, "not_found", "There is no such session.")

// Plan opens none.
func (NoSessions) Plan(context.Context, uploadapi.PlanRequest) (uploadapi.PlanResponse, error) {
	return uploadapi.PlanResponse{}, errNoSession
}

// Send finds none.
func (NoSessions) Send(context.Context, uploadapi.SessionRequest) (uploadapi.SessionResponse, error) {
	return uploadapi.SessionResponse{}, errNoSession
}

// Cancel finds none.
func (NoSessions) Cancel(context.Context, string) error { return errNoSession }

// Complete finds none.
func (NoSessions) Complete(context.Context, string) (uploadapi.SessionResponse, error) {
	return uploadapi.SessionResponse{}, errNoSession
}

// Receipt finds no image.
func (NoSessions) Receipt(_ context.Context, req uploadapi.ReceiptRequest) (uploadapi.Receipt, error) {
	return uploadapi.Receipt{Version: uploadapi.ReceiptVersion, Missing: req.IDs}, nil
}

// sessions are an Uploader's.
type sessions struct {
	mu   sync.Mutex
	open map[string]*session
}

type session struct {
	image  string
	origin string
	result *uploadapi.Result
	name   string
	size   int64
	data   []byte
}

// Plan opens a session for every file that has a size.
func (u *Uploader) Plan(_ context.Context, req uploadapi.PlanRequest) (uploadapi.PlanResponse, error) {
	u.sessions.mu.Lock()
	defer u.sessions.mu.Unlock()
	var out uploadapi.PlanResponse
	for _, f := range req.Files {
		if f.Size <= 0 {
			d := problem.From(fault.New(fault.Invalid, "upload_length_invalid", "The file has no size."))
			out.Files = append(out.Files, uploadapi.PlanResult{Status: uploadapi.StatusRefused, Problem: &d})
			continue
		}
		if u.sessions.open == nil {
			u.sessions.open = map[string]*session{}
		}
		now, id := time.Now().UTC(), rand.Text()
		s := &session{image: identity.NewImageID(now), name: f.Name, size: int64(f.Size), origin: req.Origin}
		u.sessions.open[id] = s
		out.Files = append(out.Files, uploadapi.PlanResult{
			Status: uploadapi.StatusNew, ID: s.image, ExpiresAt: &now,
			SessionURL: strings.Replace(uploadapi.PathSession, "{session}", id, 1),
		})
	}
	return out, nil
}

// Send takes a chunk that begins where the one before ended.
func (u *Uploader) Send(_ context.Context, req uploadapi.SessionRequest) (uploadapi.SessionResponse, error) {
	u.sessions.mu.Lock()
	defer u.sessions.mu.Unlock()
	s := u.sessions.open[req.Session]
	if s == nil {
		return uploadapi.SessionResponse{}, errNoSession
	}
	var first, last, size int64
	if _, err := fmt.Sscanf(req.ContentRange, "bytes %d-%d/%d", &first, &last, &size); err == nil {
		if first != int64(len(s.data)) {
			return uploadapi.SessionResponse{Range: s.have()}, fault.New(fault.Conflict, "offset_mismatch", "Go on from the offset.")
		}
		chunk, err := io.ReadAll(req.Body)
		if err != nil {
			return uploadapi.SessionResponse{Range: s.have()}, fault.As(fault.Unavailable, "gallerytest.Send", err)
		}
		s.data = append(s.data, chunk...)
	}
	if int64(len(s.data)) < s.size {
		return uploadapi.SessionResponse{Status: http.StatusPermanentRedirect, Range: s.have()}, nil
	}
	result := u.take(s.name, s.data)
	s.result = &result
	return uploadapi.SessionResponse{Status: http.StatusCreated, Result: &result}, nil
}

// Complete gives the result of a session again.
func (u *Uploader) Complete(_ context.Context, id string) (uploadapi.SessionResponse, error) {
	u.sessions.mu.Lock()
	defer u.sessions.mu.Unlock()
	for _, s := range u.sessions.open {
		switch {
		case s.image != id:
		case s.result == nil:
			return uploadapi.SessionResponse{}, fault.New(fault.Conflict, "upload_incomplete", "More is to come.")
		default:
			again := *s.result
			return uploadapi.SessionResponse{Status: http.StatusOK, Result: &again}, nil
		}
	}
	return uploadapi.SessionResponse{}, errNoSession
}

// Origins lists for which pages' origins sessions were opened, each once.
func (u *Uploader) Origins() []string {
	u.sessions.mu.Lock()
	defer u.sessions.mu.Unlock()
	seen := map[string]bool{}
	for _, s := range u.sessions.open {
		seen[s.origin] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (s *session) have() string {
	if len(s.data) == 0 {
		return ""
	}
	return fmt.Sprintf("bytes=0-%d", len(s.data)-1)
}

// Cancel forgets a session.
func (u *Uploader) Cancel(_ context.Context, id string) error {
	u.sessions.mu.Lock()
	defer u.sessions.mu.Unlock()
	if u.sessions.open[id] == nil {
		return errNoSession
	}
	delete(u.sessions.open, id)
	return nil
}
