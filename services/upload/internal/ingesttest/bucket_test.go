package ingesttest_test

import (
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// What the tests of the service rely on is held to what the real buckets are.
func TestBucketConforms(t *testing.T) {
	blobtest.RunConformance(t, func(*testing.T) blobtest.Harness {
		return blobtest.Harness{Store: ingesttest.NewBucket(nil, time.Now), InMemory: true}
	})
}
