package acceptance

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// originals is the folder of the bucket with what was uploaded.
const originals = "originals"

// mediaDir is where the all-in-one keeps its bucket.
func (d allInOne) mediaDir() string { return filepath.Join(d.dir, "media") }

func (d allInOne) places() audit.Places {
	return audit.Places{MediaDir: d.mediaDir(), Database: "sqlite://" + filepath.ToSlash(filepath.Join(d.dir, "catalog.db"))}
}

func (d split) places() audit.Places {
	return audit.Places{StorageURL: d.StorageURL(), Bucket: stack.Bucket, Database: d.DatabaseURL()}
}

// auditKept stops the deployment in good order and reads what it keeps: all that
// was acknowledged (id to SHA-256) is there, once, with its bytes; what is there
// is whole, and the catalog lists it. First it waits until nothing is left to do:
// what a killed process held of the bus comes back after a minute.
func auditKept(t *testing.T, d deployment, acknowledged map[string]string) {
	t.Helper()
	c := client{base: d.url(), api: httpClient(t), page: httpClient(t)}
	promised := audit.Promised{}
	for _, query := range []string{"", "trashed=true"} {
		for _, img := range c.mustList(t, query) { // with what was stored although its answer was lost
			promised[img.SHA256] = audit.Promise{Place: audit.Maybe}
		}
	}
	for id, sum := range acknowledged {
		promised[sum] = audit.Promise{Place: audit.Anywhere, IDs: append(promised[sum].IDs, id)}
	}
	var left []string
	t.Cleanup(func() {
		if len(left) > 0 {
			t.Logf("left to do: %v", left)
		}
	})
	eventually(t, settleWithin, "nothing is left to do", func() (done bool) {
		var err error
		if left, err = audit.Restless(t.Context(), d.places()); err != nil {
			t.Fatal(err)
		}
		return len(left) == 0
	})
	d.stop(t)
	found, err := audit.Run(t.Context(), d.places(), promised)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found.Findings {
		t.Error(f)
	}
}

// objectFile is the file of the only object in a folder of the all-in-one's
// bucket.
func objectFile(t *testing.T, d allInOne, folder string) string {
	t.Helper()
	return onlyFile(t, filepath.Join(d.mediaDir(), "objects", folder))
}

// onlyFile is the one file below a folder.
func onlyFile(t *testing.T, folder string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, name)
		}
		return err
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	return found[0]
}
