// Package blobtest says what a blob.Store must do, as tests that every adapter
// runs, and gives services a store that fails on purpose ([Faulty]).
//
// It knows the port only. An adapter joins in with a few lines:
//
//	func TestConformance(t *testing.T) {
//		blobtest.RunConformance(t, func(t *testing.T) blobtest.Harness {
//			return blobtest.Harness{Store: openIn(t, t.TempDir())}
//		})
//	}
package blobtest

import (
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Harness is one empty store, made for one test and cleaned up by t.Cleanup.
type Harness struct {
	Store blob.Store
	// Lacks names what the system under the adapter is known to get wrong, each
	// with the reason that a skipped test shows. An adapter on the real thing
	// lacks nothing.
	Lacks map[Feature]string
}

// Feature is something an emulator may lack.
type Feature string

// The features that emulators are known to lack.
const (
	// BoundedMemory: the memory of this process does not grow with an object.
	// A server in the process of the test cannot show that.
	BoundedMemory Feature = "bounded memory"
	// AtomicCreate: of concurrent writes with IfNotExists one wins.
	AtomicCreate Feature = "atomic create"
	// WholeReads: a read sees one generation even while it is replaced.
	WholeReads Feature = "whole reads"
	// ExactEmptyRange: a read beyond an empty object is refused.
	ExactEmptyRange Feature = "exact empty range"
)

// need skips the test where the harness lacks the feature.
func (h Harness) need(t *testing.T, f Feature) {
	t.Helper()
	if why, lacks := h.Lacks[f]; lacks {
		t.Skipf("no %s: %s", f, why)
	}
}

// RunConformance runs every test of the port, each on a harness of its own.
func RunConformance(t *testing.T, open func(t *testing.T) Harness) {
	tests := map[string]func(*testing.T, Harness){
		"NotThere":             testNotThere,
		"RoundTrip":            testRoundTrip,
		"Readers":              testReaders,
		"Defaults":             testDefaults,
		"EmptyObject":          testEmptyObject,
		"Overwrite":            testOverwrite,
		"IfNotExists":          testIfNotExists,
		"IfNotExistsRace":      testIfNotExistsRace,
		"FailingReader":        testFailingReader,
		"WrongSize":            testWrongSize,
		"CancelledWrite":       testCancelledWrite,
		"CancelledBefore":      testCancelledBefore,
		"CancelledRead":        testCancelledRead,
		"FailedOverwrite":      testFailedOverwrite,
		"InvisibleUntilWhole":  testInvisibleUntilWhole,
		"WriteOptionLimits":    testWriteOptionLimits,
		"Ranges":               testRanges,
		"Delete":               testDelete,
		"DeleteBesidePut":      testDeleteBesidePut,
		"ListOrder":            testListOrder,
		"ListAgainstModel":     testListAgainstModel,
		"ListLimit":            testListLimit,
		"RefusedKeys":          testRefusedKeys,
		"AcceptedKeys":         testAcceptedKeys,
		"LargeObject":          testLargeObject,
		"ReadersSeeOneVersion": testReadersSeeOneVersion,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}
