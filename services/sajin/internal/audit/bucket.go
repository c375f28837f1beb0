package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// readers is how many objects are read at once.
const readers = 8

// bucket is what the media store holds.
type bucket struct {
	manifests map[string]contract.Manifest
	sums      map[string]string   // image id -> SHA-256 of its original, as it is
	films     map[string][]string // image id -> those of the films beside it
	objects   int
	findings  []Finding
}

// readBucket reads all of it, and holds every object to belong to an image that
// is whole.
func readBucket(ctx context.Context, store blob.Store) (bucket, error) {
	r := &reading{store: store, infos: map[string]blob.Info{}, bucket: bucket{
		manifests: map[string]contract.Manifest{}, sums: map[string]string{}, films: map[string][]string{},
	}}
	err := blob.Each(ctx, store, "", func(info blob.Info) error {
		if !isNote(info.Key) {
			r.infos[info.Key] = info
		}
		return nil
	})
	if err != nil {
		return bucket{}, fmt.Errorf("audit: the bucket: %w", err)
	}
	r.objects = len(r.infos)
	if err := r.images(ctx); err != nil {
		return bucket{}, err
	}
	for key := range r.infos { // what no manifest has taken out
		r.add(Orphan, key, "the object belongs to no image")
	}
	return r.bucket, nil
}

// isNote reports whether an object is one that upload keeps about work in
// progress: it may outlive the work, until a sweep a day or a week later.
func isNote(key string) bool {
	return strings.HasPrefix(key, contract.PrefixAttempts) || strings.HasPrefix(key, contract.PrefixSessions)
}

type reading struct {
	store blob.Store
	mu    sync.Mutex
	infos map[string]blob.Info // those that belong to nothing yet
	bucket
}

func (r *reading) add(kind Kind, what, format string, args ...any) {
	r.findings = append(r.findings, Finding{kind, what, fmt.Sprintf(format, args...)})
}

// images reads every manifest, and what it speaks of.
func (r *reading) images(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, key := range slices.Sorted(maps.Keys(r.infos)) {
		if strings.HasPrefix(key, contract.PrefixManifests) {
			group.Go(func() error { return r.image(ctx, key) })
		}
	}
	return group.Wait()
}

func (r *reading) image(ctx context.Context, key string) error {
	var m contract.Manifest
	raw, err := r.read(ctx, key)
	if err != nil && !errors.Is(err, blob.ErrDamaged) {
		return err
	}
	if err := json.Unmarshal(raw, &m); err != nil || contract.ManifestKey(m.ID) != key {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.infos, key)
		r.add(Damaged, key, "the manifest cannot be read: %v", err)
		return nil
	}
	sum, err := r.sum(ctx, m.Key)
	if err != nil {
		return err
	}
	films := map[string]string{} // by what it should be, what it is
	for _, film := range m.Beside() {
		if films[film.SHA256], err = r.sum(ctx, film.Key); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.infos, key)
	r.manifests[m.ID], r.sums[m.ID] = m, sum
	r.part(m.ID, m.Key, m.Size)
	if sum != "" && sum != m.SHA256 {
		r.add(Damaged, m.ID, "the original has the bytes %s, its manifest says %s", sum, m.SHA256)
	}
	for _, rendition := range m.Renditions {
		r.part(m.ID, rendition.Key, rendition.Size)
	}
	if len(m.Renditions) == 0 && m.Preview != contract.PreviewUnavailable {
		r.add(Damaged, m.ID, "it has no renditions")
	}
	for _, film := range m.Beside() {
		r.part(m.ID, film.Key, film.Length)
	}
	for want, is := range films {
		if is != "" && is != want {
			r.add(Damaged, m.ID, "a film has the bytes %s, the manifest says %s", is, want)
		}
		r.films[m.ID] = append(r.films[m.ID], is)
	}
	return nil
}

// part takes an object out of those that belong to nothing.
func (r *reading) part(id, key string, size int64) {
	info, there := r.infos[key]
	delete(r.infos, key)
	switch {
	case !there:
		r.add(Orphan, id, "%s is not there", key)
	case info.Size != size:
		r.add(Damaged, id, "%s has %d bytes, the manifest says %d", key, info.Size, size)
	}
}

func (r *reading) read(ctx context.Context, key string) ([]byte, error) {
	body, _, err := r.store.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("audit: %s: %w", key, err)
	}
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("audit: %s: %w", key, err)
	}
	return raw, nil
}

// sum is the SHA-256 of an object, "" where it is not there, or a word where it
// cannot be read.
func (r *reading) sum(ctx context.Context, key string) (string, error) {
	body, _, err := r.store.Open(ctx, key, 0, -1)
	if errors.Is(err, blob.ErrNotFound) {
		return "", nil
	}
	if errors.Is(err, blob.ErrDamaged) {
		return "damaged", nil
	}
	if err != nil {
		return "", fmt.Errorf("audit: %s: %w", key, err)
	}
	defer func() { _ = body.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, body); errors.Is(err, blob.ErrDamaged) || errors.Is(err, blob.ErrChecksum) {
		return "damaged", nil
	} else if err != nil {
		return "", fmt.Errorf("audit: %s: %w", path.Base(key), err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
