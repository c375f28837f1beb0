package ingesttest

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract"
)

// Audit fails t where the bucket and the bus do not agree with each other and
// with what clients were told: acknowledged maps ids to checksums. It is run
// when nothing is in progress.
//
//   - what was acknowledged is stored, with its checksum, and was published;
//   - every original has a manifest, every manifest an original and its
//     renditions, and no rendition is without a manifest;
//   - exactly the images of the manifests were published, each with one and the
//     same event (and another when it got a film), and none of them was rejected.
func Audit(t testing.TB, bucket *Bucket, bus *Bus, acknowledged map[string]string) {
	t.Helper()
	manifests := auditManifests(t, bucket)
	for id, sha := range acknowledged {
		if m, ok := manifests[id]; !ok || m.SHA256 != sha {
			t.Errorf("image %s was acknowledged with checksum %s; its manifest says %q", id, sha, m.SHA256)
		}
	}
	for _, key := range bucket.Keys(contract.PrefixOriginals) {
		id, _, _ := strings.Cut(path.Base(key), ".")
		m := manifests[id]
		if m.Key != key && !slices.ContainsFunc(m.Beside(), func(v contract.Motion) bool { return v.Key == key }) {
			t.Errorf("the original %s has no manifest", key)
		}
	}
	for _, key := range bucket.Keys(contract.PrefixRenditions) {
		if _, ok := manifests[path.Base(path.Dir(key))]; !ok {
			t.Errorf("the rendition %s belongs to no manifest", key)
		}
	}
	auditEvents(t, bus, manifests)
}

func auditManifests(t testing.TB, bucket *Bucket) map[string]contract.Manifest {
	t.Helper()
	out := map[string]contract.Manifest{}
	for _, key := range bucket.Keys(contract.PrefixManifests) {
		var m contract.Manifest
		if err := json.Unmarshal(bucket.Data(key), &m); err != nil || contract.ManifestKey(m.ID) != key {
			t.Errorf("the manifest %s cannot be read: %v", key, err)
			continue
		}
		out[m.ID] = m
		if got := sum(bucket.Data(m.Key)); got != m.SHA256 {
			t.Errorf("the original %s has checksum %s, its manifest says %s", m.Key, got, m.SHA256)
		}
		if len(m.Renditions) == 0 && m.Preview != contract.PreviewUnavailable {
			t.Errorf("the manifest %s has no renditions", key)
		}
		if v := m.Motion; v != nil && int64(len(bucket.Data(v.Key))) < v.Offset+v.Length {
			t.Errorf("the moving part %s is stored with %d bytes, the manifest says %+v", v.Key, len(bucket.Data(v.Key)), *v)
		}
		for _, v := range m.Beside() {
			if got := sum(bucket.Data(v.Key)); got != v.SHA256 {
				t.Errorf("the film %s has checksum %s, its manifest says %s", v.Key, got, v.SHA256)
			}
		}
		for _, r := range m.Renditions {
			if int64(len(bucket.Data(r.Key))) != r.Size {
				t.Errorf("the rendition %s is stored with %d bytes, the manifest says %d", r.Key, len(bucket.Data(r.Key)), r.Size)
			}
		}
	}
	return out
}

func auditEvents(t testing.TB, bus *Bus, manifests map[string]contract.Manifest) {
	t.Helper()
	said, published := map[string]string{}, map[string]int{}
	for _, e := range bus.Events(contract.TypeImageUploaded) {
		if first, again := said[e.ID]; again && first != string(e.Data) {
			t.Errorf("image %s was published in two ways", e.Subject)
		}
		said[e.ID] = string(e.Data)
		var data contract.ImageUploaded
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Errorf("image %s was published with what cannot be read: %v", e.Subject, err)
		}
		published[e.Subject] = max(published[e.Subject], 1+len(data.Manifest.Beside()))
		if _, ok := manifests[e.Subject]; !ok {
			t.Errorf("image %s was published and has no manifest", e.Subject)
		}
	}
	for id, m := range manifests {
		switch films := len(m.Beside()); {
		case published[id] == 0:
			t.Errorf("image %s has a manifest and was not published", id)
		case published[id] < 1+films:
			t.Errorf("image %s has %d films and was not published with them", id, films)
		}
	}
	for _, e := range bus.Events(contract.TypeImageRejected) {
		if _, ok := manifests[e.Subject]; ok {
			t.Errorf("image %s was rejected and has a manifest", e.Subject)
		}
	}
}
