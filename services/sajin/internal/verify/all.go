package verify

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// All compares every original and every film with its manifest, looks for the
// renditions that the manifests name, and for originals and films that no
// manifest describes. What is
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
	for _, film := range m.Beside() {
		if err := v.film(ctx, e, film); err != nil {
			return err
		}
	}
	return nil
}

// film reads a film beside the original. No receipt is given of it, so that its
// generation is whatever it is.
func (v *verifier) film(ctx context.Context, e expected, film contract.Motion) error {
	info, err := v.bucket.Stat(ctx, film.Key)
	if err != nil {
		return v.there(ctx, e, film.Key, MotionMissing)
	}
	e.key, e.size, e.sha256 = film.Key, film.Length, film.SHA256
	e.crc32c, e.generation = info.CRC32C, info.Generation
	return v.original(ctx, e)
}

func (v *verifier) gone(ctx context.Context, key string) (bool, error) {
	_, err := v.bucket.Stat(ctx, key)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return errors.Is(err, blob.ErrNotFound), nil
}

// there looks for an object that a manifest names.
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
	if err == nil && !gone && isFilm(info.Key) {
		gone, err = v.unnamed(ctx, id, info.Key)
	}
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

// unnamed reports whether a manifest does not name a film. Of one that cannot be
// read that is said by itself.
func (v *verifier) unnamed(ctx context.Context, id, key string) (bool, error) {
	m, err := v.manifest(ctx, id)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	named := slices.ContainsFunc(m.Beside(), func(film contract.Motion) bool { return film.Key == key })
	return err == nil && !named, nil
}

// isFilm tells a film from the picture that it lies beside.
func isFilm(key string) bool { return path.Ext(key) == ".mov" }
