package acceptance

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The names below the all-in-one's data directory, and the folders of the
// bucket in it.
const (
	objectsDir = "media/objects"
	originals  = "originals"
	manifests  = "manifests"
	renditions = "renditions"
	attempts   = "attempts"
)

// bucket is what the all-in-one's bucket holds, by image id.
type bucket map[string]map[string]bool // folder -> ids

// readBucket walks the bucket. What is deleted meanwhile is not in it.
func readBucket(t *testing.T, dir string) bucket {
	t.Helper()
	b := bucket{originals: {}, manifests: {}, renditions: {}}
	root := filepath.Join(dir, filepath.FromSlash(objectsDir))
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) && name != root {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		folder, rest, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if folder == attempts {
			return nil // of a process that was killed; forgotten with the image's next try, or by a sweep a day later
		}
		if b[folder] == nil {
			t.Errorf("the bucket holds the foreign object %s", rel)
			return nil
		}
		id, _, _ := strings.Cut(path.Base(rest), ".")
		if folder == renditions {
			id = path.Dir(rest)
		}
		b[folder][id] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// orphans are the images that are not whole: every image that the catalog lists
// has an original, a manifest and renditions, and nothing else has any (I2).
func (b bucket) orphans(listed map[string]bool) []string {
	var out []string
	ids := map[string]bool{}
	for _, held := range append([]map[string]bool{listed}, b[originals], b[manifests], b[renditions]) {
		for id := range held {
			ids[id] = true
		}
	}
	for id := range ids {
		at := ""
		for name, held := range map[string]map[string]bool{"catalog": listed, originals: b[originals], manifests: b[manifests], renditions: b[renditions]} {
			if held[id] {
				at += " " + name
			}
		}
		if !listed[id] || !b[originals][id] || !b[manifests][id] || !b[renditions][id] {
			out = append(out, id+" is only in:"+at)
		}
	}
	slices.Sort(out)
	return out
}

// auditBucket waits until the bucket holds what the gallery lists and nothing
// else, stops the all-in-one in good order, and looks once more. What purges
// leave behind for a moment is gone then, and stays away.
func auditBucket(t *testing.T, d allInOne, c client) {
	t.Helper()
	listed := map[string]bool{}
	for _, query := range []string{"", "trashed=true"} {
		for _, img := range c.mustList(t, query) {
			listed[img.ID] = true
		}
	}
	var left []string
	t.Cleanup(func() {
		for _, line := range left {
			t.Log(line)
		}
	})
	eventually(t, readyWithin, "the bucket holds what the gallery lists, and nothing else", func() bool {
		left = readBucket(t, d.dir).orphans(listed)
		return len(left) == 0
	})
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if left = readBucket(t, d.dir).orphans(listed); len(left) > 0 {
		t.Errorf("after the stop %d images are not whole", len(left))
	}
}
