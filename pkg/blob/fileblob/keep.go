package fileblob

import (
	"cmp"
	"context"
	"os"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Keeps implements blob.Partials.
func (p *Partials) Keeps(s blob.Store) bool {
	store, ok := s.(*Store)
	return ok && store == p.store
}

// Keep implements blob.HeldPartial: the partial's file gets its trailer and a
// second name, as an object. The first name goes with Empty or Remove. Whatever
// happens in between, the partial's offset still counts the object's bytes only.
func (h *heldPartial) Keep(ctx context.Context, key string, crc32c uint32, opts blob.WriteOptions) (blob.Info, error) {
	const op = "fileblob.Keep"
	if err := blob.CheckWrite(key, opts); err != nil {
		return blob.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return blob.Info{}, classify(op, err)
	}
	if opts.Size > 0 && opts.Size != h.end() {
		return blob.Info{}, blob.ErrIncomplete
	}
	store, name := h.partials.store, objectsDir+"/"+key
	if store.taken(name) {
		return blob.Info{}, blob.ErrExists // it may be this very file, which must not be touched then
	}
	rec := store.describe(h.end(), crc32c, opts)
	err := h.seal(rec)
	if err == nil {
		err = store.place(partialsDir+"/"+h.id+dataSuffix, name, true)
	}
	if err != nil {
		return blob.Info{}, classify(op, err)
	}
	info := rec.info(key)
	if err := store.announce(ctx, info); err != nil {
		return info, blob.ErrUnavailable.With(op, err)
	}
	return info, nil
}

// seal writes the trailer behind the bytes that count, durably.
func (h *heldPartial) seal(rec record) (err error) {
	trailer, err := rec.encode()
	if err != nil {
		return err
	}
	file, err := h.partials.openData(h.id, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	if err := file.Truncate(h.end()); err != nil {
		return err
	}
	if _, err := file.WriteAt(trailer, h.end()); err != nil {
		return err
	}
	return file.Sync()
}
