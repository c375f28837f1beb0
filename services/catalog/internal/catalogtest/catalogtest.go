// Package catalogtest is the catalog's conformance suite: what holds for its
// use cases whatever the database is, and whether they are called directly or
// through the client.
package catalogtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Catalog is the use cases, as the core and the client have them.
type Catalog interface {
	List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error)
	Get(ctx context.Context, id string) (catalogapi.Image, error)
	Trash(ctx context.Context, id string) (catalogapi.Image, error)
	Restore(ctx context.Context, id string) (catalogapi.Image, error)
	Purge(ctx context.Context, id string) error
	Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error)
	Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error)
	Months(ctx context.Context) (catalogapi.MonthsResponse, error)
	Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error)
}

// Harness is a catalog under test. Its parts share one database, which the
// suite's tests share too, each with owners of its own.
type Harness struct {
	Catalog Catalog
	// Other is the same catalog as another process sees it.
	Other Catalog
	// Handle is the handler of contract.TopicImages.
	Handle event.Handler
	// Tidy does what the timer does.
	Tidy func(context.Context) error
	// Bus receives what the outbox holds.
	Bus *Bus
	// Clock is the catalog's.
	Clock *Clock
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *world){
		"expected images":         testExpect,
		"expected duplicates":     testExpectDuplicates,
		"what is expected badly":  testExpectRefuses,
		"uploaded images":         testUploaded,
		"odd manifests":           testOddManifests,
		"refused events":          testRefusedEvents,
		"rejected images":         testRejected,
		"uploaded duplicates":     testUploadedDuplicates,
		"trash and restore":       testTrash,
		"purge":                   testPurge,
		"events after a purge":    testEventsAfterPurge,
		"owners are alone":        testOwners,
		"no owner":                testNoOwner,
		"pages":                   testPages,
		"equal times":             testEqualTimes,
		"neighbours":              testNeighbours,
		"a walk while it changes": testWalk,
		"months":                  testMonths,
		"hostile cursors":         testCursors,
		"changes":                 testChanges,
		"waiting for changes":     testWaiting,
		"long feeds":              testLongFeed,
		"racing duplicates":       testRacingDuplicates,
		"racing users":            testRacingUsers,
		"followers miss nothing":  testFollowers,
	} {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, h)) })
	}
	// It moves the clock, and so comes last.
	t.Run("the trash expires", func(t *testing.T) { testExpiry(t, newWorld(t, h)) })
}

// world is a test's view: an owner of its own.
type world struct {
	*testing.T
	Harness
	owner identity.Owner
	ctx   context.Context
}

var worlds atomic.Int64

// base is when the suite's pictures were taken.
var base = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, h Harness) *world {
	owner := identity.Owner("owner-" + strings.ToLower(identity.NewImageID(base.Add(time.Duration(worlds.Add(1))))))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &world{T: t, Harness: h, owner: owner, ctx: identity.WithOwner(ctx, owner)}
}

// as is the same world for another owner.
func (w *world) as(owner identity.Owner) *world {
	out := *w
	out.owner, out.ctx = owner, identity.WithOwner(w.ctx, owner)
	return &out
}

// manifest is of an image whose bytes are content, taken so many minutes after
// base.
func (w *world) manifest(content string, minutes int) contract.Manifest {
	created := base.Add(time.Hour)
	id := identity.NewImageID(created)
	taken := base.Add(time.Duration(minutes) * time.Minute)
	return contract.Manifest{
		Version: 1, ID: id, Owner: string(w.owner), Name: content + ".jpg", Key: contract.OriginalKey(id, created, ".jpg"),
		Generation: 1, Size: int64(len(content)), ContentType: "image/jpeg", SHA256: sum(content),
		Width: 40, Height: 30, TakenAt: &taken, CreatedAt: created,
		Renditions: []contract.Rendition{{
			Name: "w320", Key: contract.RenditionKey(id, "w320", ".jpg"), Width: 32, Height: 24, Size: 9, ContentType: "image/jpeg",
		}},
	}
}

func sum(content string) string {
	hash := sha256.Sum256([]byte(content))
	return hex.EncodeToString(hash[:])
}

// expectedOf is what upload announces of the image.
func expectedOf(m contract.Manifest) catalogapi.Expected {
	return catalogapi.Expected{
		ID: m.ID, Name: m.Name, Key: m.Key, Size: m.Size, ContentType: m.ContentType, SHA256: m.SHA256,
		Width: m.Width, Height: m.Height, CreatedAt: m.CreatedAt,
	}
}

// uploaded hands over the event, which must work.
func (w *world) uploaded(m contract.Manifest) {
	w.Helper()
	if err := w.tryUploaded(m); err != nil {
		w.Fatalf("image.uploaded of %s: %v", m.ID, err)
	}
}

func (w *world) tryUploaded(m contract.Manifest) error {
	return w.handle(contract.TypeImageUploaded, m.ID, contract.ImageUploaded{Manifest: m})
}

func (w *world) rejected(m contract.Manifest, code string) {
	w.Helper()
	err := w.handle(contract.TypeImageRejected, m.ID, contract.ImageRejected{
		ID: m.ID, Owner: m.Owner, Name: m.Name, Code: code, Detail: "It is " + code + ".",
	})
	if err != nil {
		w.Fatalf("image.rejected of %s: %v", m.ID, err)
	}
}

func (w *world) handle(typ, id string, data any) error {
	e, err := contract.New(typ+"/"+id, contract.SourceUpload, typ, id, base, data)
	if err != nil {
		return err
	}
	// The bus knows no owner: the event says whose image it is.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), 30*time.Second)
	defer cancel()
	return w.Handle(identity.WithOwner(ctx, ""), event.Delivery{Event: e, Attempt: 1})
}

// add uploads an image and returns it as it is listed.
func (w *world) add(content string, minutes int) catalogapi.Image {
	w.Helper()
	m := w.manifest(content, minutes)
	w.uploaded(m)
	return w.get(m.ID)
}

func (w *world) get(id string) catalogapi.Image {
	w.Helper()
	i, err := w.Catalog.Get(w.ctx, id)
	if err != nil {
		w.Fatalf("Get(%s): %v", id, err)
	}
	return i
}

func (w *world) expect(all ...catalogapi.Expected) []catalogapi.ExpectResult {
	w.Helper()
	resp, err := w.Catalog.Expect(w.ctx, catalogapi.ExpectRequest{Images: all})
	if err != nil {
		w.Fatalf("Expect: %v", err)
	}
	return resp.Results
}

func (w *world) trash(id string) {
	w.Helper()
	if _, err := w.Catalog.Trash(w.ctx, id); err != nil {
		w.Fatalf("Trash(%s): %v", id, err)
	}
}

func (w *world) purge(id string) {
	w.Helper()
	w.trash(id)
	if err := w.Catalog.Purge(w.ctx, id); err != nil {
		w.Fatalf("Purge(%s): %v", id, err)
	}
}

// list walks a whole list and returns its images.
func (w *world) list(req catalogapi.ListRequest) []catalogapi.Image {
	w.Helper()
	var out []catalogapi.Image
	for range 10_000 {
		page, err := w.Catalog.List(w.ctx, req)
		if err != nil {
			w.Fatalf("List(%+v): %v", req, err)
		}
		out = append(out, page.Images...)
		if page.NextCursor == "" {
			return out
		}
		req.Cursor = page.NextCursor
	}
	w.Fatalf("List(%+v) does not end", req)
	return nil
}

// cursor is the end of the feed.
func (w *world) cursor() string {
	w.Helper()
	resp, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{})
	if err != nil {
		w.Fatalf("Changes: %v", err)
	}
	return resp.Cursor
}

// since is what the feed says after a cursor, as "kind id".
func (w *world) since(cursor string) []string {
	w.Helper()
	var out []string
	for {
		resp, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor})
		if err != nil {
			w.Fatalf("Changes: %v", err)
		}
		for _, c := range resp.Changes {
			out = append(out, c.Kind+" "+c.ImageID)
		}
		if len(resp.Changes) == 0 {
			return out
		}
		cursor = resp.Cursor
	}
}

// consistent checks that the months count what the timeline shows.
func (w *world) consistent() {
	w.Helper()
	want := map[string]int64{}
	for _, i := range w.list(catalogapi.ListRequest{Limit: catalogapi.MaxLimit}) {
		at := i.TakenAt
		if i.TakenOffset != nil {
			at = at.Add(time.Duration(*i.TakenOffset) * time.Minute)
		}
		want[at.Format("2006-01")]++
	}
	resp, err := w.Catalog.Months(w.ctx)
	if err != nil {
		w.Fatalf("Months: %v", err)
	}
	for _, m := range resp.Months {
		if want[m.Month] != m.Count {
			w.Errorf("month %s counts %d, but the timeline shows %d", m.Month, m.Count, want[m.Month])
		}
		delete(want, m.Month)
	}
	if len(want) > 0 {
		w.Errorf("the timeline shows %v, which no month counts", want)
	}
}

// fails checks an error by its kind and code.
func (w *world) fails(err error, kind fault.Kind, code string) {
	w.Helper()
	public := fault.Public(err)
	if err == nil || public.Kind != kind || public.Code != code {
		w.Errorf("err = %v (%v %q), want %v %q", err, public.Kind, public.Code, kind, code)
	}
}

func (w *world) notFound(err error) {
	w.Helper()
	w.fails(err, fault.NotFound, "image_not_found")
}

func ids(all []catalogapi.Image) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].ID
	}
	return out
}

// Clock is a clock that tests move.
type Clock struct{ ahead atomic.Int64 }

// Now is the real time, and what was added.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// Bus is an event.Bus in memory that keeps what is published to
// contract.TopicPurges. Nothing is received from it.
type Bus struct {
	mu       sync.Mutex
	down     bool
	attempts int
	purged   map[string]int // by image
	grown    chan struct{}
}

// NewBus makes an empty bus.
func NewBus() *Bus { return &Bus{purged: map[string]int{}, grown: make(chan struct{})} }

var errDown = fault.New(fault.Unavailable, "bus_down", "The bus is down.")

// Publish keeps the event.
func (b *Bus) Publish(_ context.Context, topic event.Topic, e event.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts++
	defer func() { close(b.grown); b.grown = make(chan struct{}) }()
	if b.down {
		return errDown
	}
	p, err := contract.Decode[contract.ImagePurged](e, contract.TypeImagePurged)
	if err != nil || topic != contract.TopicPurges || e.Subject != p.ID {
		return errors.Join(errors.New("not a purge as it should be"), err)
	}
	b.purged[p.ID+" "+p.Key]++
	return nil
}

// SetDown makes every Publish fail, or work again.
func (b *Bus) SetDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// AwaitAttempt waits until Publish has been called.
func (b *Bus) AwaitAttempt(ctx context.Context) error {
	return b.await(ctx, func() bool { return b.attempts > 0 })
}

// AwaitPurge waits until the purge of an image and its file has been published
// at least n times.
func (b *Bus) AwaitPurge(ctx context.Context, id, key string, n int) error {
	return b.await(ctx, func() bool { return b.purged[id+" "+key] >= n })
}

// await waits until the condition, which is looked at under the lock, holds.
func (b *Bus) await(ctx context.Context, condition func() bool) error {
	for {
		b.mu.Lock()
		grown, ok := b.grown, condition()
		b.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Purges counts how often the purge of an image was published, whatever the
// file.
func (b *Bus) Purges(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for key, times := range b.purged {
		if strings.HasPrefix(key, id+" ") {
			n += times
		}
	}
	return n
}

// Receive waits for the end.
func (b *Bus) Receive(ctx context.Context, _ event.Subscription, _ event.Handler) error {
	<-ctx.Done()
	return nil
}

// Ensure does nothing.
func (b *Bus) Ensure(context.Context, event.Subscription) error { return nil }
