// Package httpapi is the upload service's HTTP side: the multipart door through
// which files come in, the push door for events, and the health probes.
//
// It reads forms as streams and knows what HTTP can do to them; what becomes of
// a file is the core's decision. It knows no store and no bus.
package httpapi

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Limits bound a request; services/upload/api/openapi.yaml documents them.
type Limits struct {
	RequestBytes    int64         // of the whole body
	Files           int           // of one request
	Parts           int           // of one request: files and text fields
	FieldBytes      int64         // of one text field
	PartHeaderBytes int           // of one part
	IdleBody        time.Duration // until the body's next byte
}

// Receiver is the core as this door sees it.
type Receiver interface {
	Receive(ctx context.Context, owner identity.Owner, files iter.Seq2[ingest.File, error]) ([]ingest.Outcome, error)
}

// Sessions is the core for files that arrive in pieces.
type Sessions interface {
	Plan(ctx context.Context, owner identity.Owner, files []ingest.Planned, origin string) ([]ingest.Opened, error)
	Send(ctx context.Context, owner identity.Owner, session string, c ingest.Chunk) (ingest.Progress, error)
	Ask(ctx context.Context, owner identity.Owner, session string, total int64) (ingest.Progress, error)
	Complete(ctx context.Context, owner identity.Owner, id string) (ingest.Progress, error)
	Cancel(ctx context.Context, owner identity.Owner, session string) error
}

// Core is all that the doors need.
type Core interface {
	Receiver
	Sessions
	Receipts
}

// Push is a door for the events of one subscription.
type Push struct {
	Subscription string
	Handler      http.Handler
}

// New makes the service's router.
func New(core Core, limits Limits, health *httpx.Health, pushes ...Push) *httpx.Router {
	rt := httpx.NewRouter(nil)
	rt.Handle("POST "+uploadapi.PathImages, &images{receiver: core, limits: limits})
	s := &sessions{core: core, limits: limits}
	rt.HandleFunc("POST "+uploadapi.PathUploads, s.plan)
	rt.HandleFunc("PUT "+uploadapi.PathSession, s.send)
	rt.HandleFunc("DELETE "+uploadapi.PathSession, s.cancel)
	rt.HandleFunc("POST "+uploadapi.PathComplete, s.complete)
	rt.Handle("POST "+uploadapi.PathReceipts, &receipts{core: core})
	for _, push := range pushes {
		rt.Handle("POST "+contract.PathEvents+push.Subscription, push.Handler)
	}
	health.Register(rt)
	return rt
}
