// Package catalogtest is the catalog's conformance suite: what holds for its
// use cases whatever the database is, and whether they are called directly or
// through the client.
package catalogtest

import (
	"context"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
)

// Catalog is the use cases, as the core and the client have them.
type Catalog interface {
	List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error)
	Get(ctx context.Context, id string) (catalogapi.Image, error)
	Trash(ctx context.Context, id string) (catalogapi.Image, error)
	Restore(ctx context.Context, id string) (catalogapi.Image, error)
	Purge(ctx context.Context, id string) error
	Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error)
	Known(ctx context.Context, req catalogapi.KnownRequest) (catalogapi.KnownResponse, error)
	Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error)
	Months(ctx context.Context) (catalogapi.MonthsResponse, error)
	Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error)
	Albums
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
		"expected unread":         testExpectUnread,
		"what is expected badly":  testExpectRefuses,
		"known contents":          testKnown,
		"known badly":             testKnownRefuses,
		"uploaded images":         testUploaded,
		"odd manifests":           testOddManifests,
		"processed at last":       testProcessedAtLast,
		"a live picture":          testLivePicture,
		"refused events":          testRefusedEvents,
		"rejected images":         testRejected,
		"uploaded duplicates":     testUploadedDuplicates,
		"events once":             testTakenOnce,
		"altered events":          testAltered,
		"racing ids":              testRacingIDs,
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
	for name, test := range albumTests {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, h)) })
	}
	// These move the clock, and so come last.
	t.Run("the trash expires", func(t *testing.T) { testExpiry(t, newWorld(t, h)) })
	t.Run("events are forgotten", func(t *testing.T) { testForgotten(t, newWorld(t, h)) })
}
