package verify

import (
	"context"
	"errors"
	"path"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// All compares every original with its manifest, looks for the renditions that
// the manifests name, and for originals that no manifest describes. What is
// purged while it looks is no difference. Memory does not grow with the store.
func All(ctx context.Context, b Bucket, o Options) (Report, error) {
	v := &verifier{bucket: b, o: o}
	var images, young atomic.Int64
	err := v.each(ctx, contract.PrefixManifests, func(ctx context.Context, info blob.Info) error {
		images.Add(1)
		return v.image(ctx, info.Key)
	})
	if err == nil {
		err = v.each(ctx, contract.PrefixOriginals, func(ctx context.Context, info blob.Info) error {
			return v.described(ctx, info, &young)
		})
	}
	return Report{Images: int(images.Load()), Young: int(young.Load())}, err
}

// each calls check for every object under prefix, several at a time, a page of
// the listing after the other.
func (v *verifier) each(ctx context.Context, prefix string, check func(context.Context, blob.Info) error) error {
	for after := ""; ; {
		page, err := v.bucket.List(ctx, prefix, after, blob.MaxListLimit)
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(v.o.Concurrency)
		for _, info := range page {
			group.Go(func() error { return check(ctx, info) })
			after = info.Key
		}
		if err := group.Wait(); err != nil || len(page) < blob.MaxListLimit {
			return err
		}
	}
}

// image checks all that a manifest names.
func (v *verifier) image(ctx context.Context, key string) error {
	id := strings.TrimSuffix(path.Base(key), ".json")
	m, err := v.manifest(ctx, id)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, blob.ErrNotFound):
		return nil // purged since it was listed
	case err != nil || m.ID != id || m.Key == "":
		v.o.Found(Difference{Code: ManifestDamaged, ID: id, Key: key, Detail: "the manifest cannot be read, or is of another image"})
		return nil
	}
	e := expected{id: id, name: m.Name, key: m.Key, size: m.Size, sha256: m.SHA256, crc32c: m.CRC32C, generation: m.Generation}
	if _, err := v.bucket.Stat(ctx, m.Key); errors.Is(err, blob.ErrNotFound) {
		if gone, err := v.gone(ctx, contract.ManifestKey(id)); gone || err != nil {
			return err // a purge takes the original first and the manifest last
		}
	}
	if err := v.original(ctx, e); err != nil {
		return err
	}
	for _, r := range m.Renditions {
		if err := v.there(ctx, e, r.Key, RenditionMissing); err != nil {
			return err
		}
	}
	if m.Motion != nil && m.Motion.Key != m.Key {
		return v.there(ctx, e, m.Motion.Key, MotionMissing)
	}
	return nil
}

func (v *verifier) gone(ctx context.Context, key string) (bool, error) {
	_, err := v.bucket.Stat(ctx, key)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return errors.Is(err, blob.ErrNotFound), nil
}

// there checks an object that can be made again, or is beside the original.
func (v *verifier) there(ctx context.Context, e expected, key string, code Code) error {
	e.key = key
	_, err := v.bucket.Stat(ctx, key)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, blob.ErrNotFound):
		v.differs(e, code, "it is not there")
	case err != nil:
		v.differs(e, Damaged, "it cannot be read: "+err.Error())
	}
	return nil
}

// described looks for the manifest of an original.
func (v *verifier) described(ctx context.Context, info blob.Info, young *atomic.Int64) error {
	id, _, _ := strings.Cut(path.Base(info.Key), ".")
	gone, err := v.gone(ctx, contract.ManifestKey(id))
	if err != nil || !gone {
		return err
	}
	if gone, err := v.gone(ctx, info.Key); gone || err != nil {
		return err // purged since it was listed
	}
	if v.o.Now().Sub(info.CreatedAt) < v.o.Young {
		young.Add(1)
		return nil
	}
	v.o.Found(Difference{Code: ManifestMissing, ID: id, Key: info.Key, Detail: "no manifest describes this original"})
	return nil
}
