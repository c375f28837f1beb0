package ingest

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Ports are what the service needs of the world.
type Ports struct {
	Blob     blob.Store
	Partials blob.Partials      // nil: not through sessions of our own
	Sessions blob.SessionOpener // of the bucket's own sessions; nil: it has none
	Inbox    blob.Inbox         // nil: the part of the store below contract.PrefixInbox
	Events   event.Publisher
	Imager   Imager
	Metadata MetadataReader
	// MemoryFile makes an empty file that lives in memory and goes when it is
	// closed: small originals are held in one, so that an Imager can hand them on
	// without a copy. nil holds them in the heap.
	MemoryFile func() (*os.File, error)
	Now        func() time.Time
	// Uptime is how long this process has run, by a clock that nobody sets; by
	// the runtime's when nil.
	Uptime func() time.Duration
	Log    *slog.Logger
	// Trace follows each image; nil follows none.
	Trace Tracer
}

// Service takes images in. Its methods are safe for concurrent use, by several
// replicas too: every step is keyed by the image's id and may be repeated.
type Service struct {
	cfg     Config
	ports   Ports
	sources *budget // source bytes in memory
	spools  *budget // source bytes in temporary files
	decodes *budget // what decoding needs
	flights *flights
	said    *recent
	refused *refusals
	fresh   *fresh
	trying  sync.Map // the ids of the images that this process has a try at
	senders *senders
	waiting *recent // films of the inbox that were spoken of
	began   time.Time
	opening sync.Mutex // so that two plans do not share what is left of a quota
}

// New makes a service. Close must be called when it is no longer used.
func New(cfg Config, ports Ports) *Service {
	if ports.Uptime == nil {
		start := time.Now()
		ports.Uptime = func() time.Duration { return time.Since(start) }
	}
	if ports.Trace == nil {
		ports.Trace = untraced{}
	}
	if ports.Inbox == nil {
		ports.Inbox = blob.InboxOf(ports.Blob, contract.PrefixInbox, contract.PrefixInboxRefused)
	}
	return &Service{
		cfg: cfg, ports: ports,
		sources: newBudget(cfg.sourceMemory()),
		spools:  newBudget(cfg.TempBytes),
		decodes: newDecodeBudget(cfg.DecodeMemory()),
		flights: newFlights(cfg.InWork, cfg.ProcessTimeout, ports.Log),
		said:    newRecent(cfg.RepeatEvery, ports.Now),
		refused: &refusals{reasons: map[string]error{}},
		fresh:   &fresh{ids: map[string]bool{}},
		waiting: newRecent(sayEvery, ports.Now),
		senders: &senders{sessions: map[string]*sender{}},
		began:   ports.Now(),
	}
}

// Close lets the work in progress finish until ctx ends, then cuts it off and
// waits for it to notice. What is cut off is taken up again by the sweep. Work
// that is asked for afterwards is refused as unavailable.
func (s *Service) Close(ctx context.Context) { s.flights.close(ctx) }

// steady is the time as it would be had nobody set the clock since the start.
func (s *Service) steady() time.Time { return s.began.Add(s.ports.Uptime()) }

// Check is nil when the bucket answers.
func (s *Service) Check(ctx context.Context) error {
	_, err := s.ports.Blob.List(ctx, contract.PrefixManifests, "", 1)
	return fault.Wrap("ingest.Check", err)
}
