// Package blobtest says what a blob.Store must do, as tests that every adapter
// runs.
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

// Harness is one empty store, made for one test and cleaned up by t.Cleanup. A
// server behind it runs in another process, or its memory counts as the
// adapter's.
type Harness struct {
	Store blob.Store
	// InMemory: the store keeps its objects in this process, so that how much a
	// call holds besides cannot be measured.
	InMemory bool
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
