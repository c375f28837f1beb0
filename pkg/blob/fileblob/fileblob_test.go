package fileblob

import (
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
)

func TestConformance(t *testing.T) {
	blobtest.RunConformance(t, func(t *testing.T) blobtest.Harness {
		return blobtest.Harness{Store: mustOpen(t, t.TempDir(), Options{})}
	})
}

func mustOpen(t *testing.T, dir string, opts Options) *Store {
	t.Helper()
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
