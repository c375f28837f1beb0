package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// Restless names what a Sajin that is running still has to do: images that the
// catalog and the bucket do not agree about, by the names alone, images in
// processing, and events that wait. It opens no object and takes no lock, and
// since it looks at a moving thing, nothing says only that it is time for Run.
func Restless(ctx context.Context, p Places) (left []string, err error) {
	keys, err := p.keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	c, err := readCatalog(ctx, p.Database)
	if err != nil {
		return nil, err
	}
	if c.outbox > 0 {
		left = append(left, fmt.Sprintf("events to publish: %d", c.outbox))
	}
	manifests := map[string]bool{}
	for _, key := range keys {
		if id, ok := strings.CutSuffix(strings.TrimPrefix(key, contract.PrefixManifests), ".json"); ok {
			manifests[id] = true
		}
	}
	for _, key := range keys {
		if isNote(key) {
			continue
		}
		if id := imageOf(key); c.images[id].ID == "" || !manifests[id] {
			left = append(left, key)
		}
	}
	for _, row := range c.images {
		if row.State == stateReady && !manifests[row.ID] || row.State != stateReady && row.State != stateFailed {
			left = append(left, row.ID+" is "+row.State)
		}
	}
	return left, nil
}

// imageOf is the image that an object's name speaks of.
func imageOf(key string) string {
	if rest, ok := strings.CutPrefix(key, contract.PrefixRenditions); ok {
		return path.Dir(rest)
	}
	id, _, _ := strings.Cut(path.Base(key), ".")
	return id
}

// keys are the names of all objects.
func (p Places) keys(ctx context.Context) (keys []string, err error) {
	if p.MediaDir == "" {
		store, err := gcsblob.Open(ctx, p.Bucket, gcsblob.Options{Endpoint: p.StorageURL})
		if err != nil {
			return nil, err
		}
		defer func() { _ = store.Close() }()
		err = blob.Each(ctx, store, "", func(info blob.Info) error {
			keys = append(keys, info.Key)
			return nil
		})
		return keys, err
	}
	root := filepath.Join(p.MediaDir, "objects")
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) && name != root {
			return nil // deleted meanwhile
		}
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(root, name)
		keys = append(keys, filepath.ToSlash(key))
		return err
	})
	return keys, err
}
