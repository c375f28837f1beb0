package intake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

// gallery is an intake.Gallery in memory.
type gallery struct {
	mu       sync.Mutex
	has      map[string]string // id by SHA-256
	open     map[string]string // planned SHA-256 by session
	room     int               // open sessions; 0 for any number
	plans    []int             // files of each plan
	sent     []string          // contents, in any order
	atOnce   int
	mostOnce int
	films    []string // with their pictures' ids
	planErr  error
	// sending may answer in the place of a send.
	sending func(ctx context.Context, s webclient.Session) error
}

func newGallery() *gallery { return &gallery{has: map[string]string{}, open: map[string]string{}} }

func (g *gallery) Plan(_ context.Context, files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.plans = append(g.plans, len(files))
	if g.planErr != nil {
		return nil, g.planErr
	}
	out := make([]uploadapi.PlanResult, len(files))
	for i, f := range files {
		if f.CompanionOf != "" {
			g.films = append(g.films, f.Name+" of "+f.CompanionOf)
		}
		if id := g.has[f.SHA256]; id != "" {
			out[i] = uploadapi.PlanResult{Status: uploadapi.StatusDuplicate, DuplicateOf: id}
			continue
		}
		if g.room > 0 && len(g.open) >= g.room {
			d := problem.From(fault.New(fault.RateLimited, "too_many_uploads", "Too many."))
			out[i] = uploadapi.PlanResult{Status: uploadapi.StatusRefused, Problem: &d}
			continue
		}
		expires := time.Now().Add(time.Hour)
		session := fmt.Sprintf("/s/%d", len(g.plans)*1000+i)
		g.open[session] = f.SHA256
		out[i] = uploadapi.PlanResult{Status: uploadapi.StatusNew, ID: "id-" + f.SHA256[:8], SessionURL: session, ExpiresAt: &expires}
	}
	return out, nil
}

func (g *gallery) Foresee(_ context.Context, files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]uploadapi.PlanResult, len(files))
	for i, f := range files {
		out[i].Status = uploadapi.StatusNew
		if id := g.has[f.SHA256]; id != "" {
			out[i] = uploadapi.PlanResult{Status: uploadapi.StatusDuplicate, DuplicateOf: id, Trashed: true}
		}
	}
	return out, nil
}

func (g *gallery) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.atOnce++
	g.mostOnce = max(g.mostOnce, g.atOnce)
}

func (g *gallery) Send(ctx context.Context, s webclient.Session, content webclient.Content, progress func(int64)) (uploadapi.Result, error) {
	g.enter()
	defer func() { g.mu.Lock(); g.atOnce--; g.mu.Unlock() }()
	if g.sending != nil {
		if err := g.sending(ctx, s); err != nil {
			return uploadapi.Result{}, err
		}
	}
	g.mu.Lock()
	want, ok := g.open[s.URL]
	g.mu.Unlock()
	if !ok {
		return uploadapi.Result{}, webclient.ErrSessionGone
	}
	data, err := readAll(content)
	if err != nil {
		return uploadapi.Result{}, err
	}
	if digest(data) != want {
		return uploadapi.Result{}, fault.New(fault.Unprocessable, "checksum_mismatch", "Another file.")
	}
	progress(int64(len(data)))
	return g.take(s.URL, data), nil
}

func (g *gallery) SendWhole(_ context.Context, _ uploadapi.PlanFile, content webclient.Content, _ func(int64)) (uploadapi.Result, error) {
	data, err := readAll(content)
	if err != nil {
		return uploadapi.Result{}, err
	}
	return g.take("", data), nil
}

func (g *gallery) take(session string, data []byte) uploadapi.Result {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, session)
	id := "id-" + digest(data)[:8]
	g.has[digest(data)], g.sent = id, append(g.sent, string(data))
	return uploadapi.Result{Status: uploadapi.StatusStored, ID: id}
}

func (g *gallery) Cancel(_ context.Context, session string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, session)
	return nil
}

func (g *gallery) Receipt(_ context.Context, ids []string) (uploadapi.Receipt, error) {
	if len(ids) > uploadapi.MaxReceipt {
		return uploadapi.Receipt{}, errors.New("too many")
	}
	var out uploadapi.Receipt
	for _, id := range ids {
		out.Files = append(out.Files, uploadapi.ReceiptFile{ID: id})
	}
	return out, nil
}

func readAll(content webclient.Content) ([]byte, error) {
	r, err := content(0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
