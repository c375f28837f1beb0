package fileblob

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
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

// apart gives the partial a file of its own where its file may have become an
// object, because a process ended between Keep and Empty. Nothing may be written
// to that: a trailer at the end tells.
func (h *heldPartial) apart() (err error) {
	file, err := h.partials.openData(h.id, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	if _, err := readRecord(file, stat.Size()); errors.Is(err, errNoTrailer) {
		return nil
	} else if err != nil {
		return err
	}
	return h.copyApart(file)
}

// copyApart replaces the partial's name by a durable copy of the bytes that
// count. The file itself stays under its name as an object, if it has one.
func (h *heldPartial) copyApart(file io.Reader) error {
	disk, temp := h.partials.store.disk, tempDir+"/"+rand.Text()
	out, err := disk.create(temp)
	if err != nil {
		return err
	}
	_, err = io.CopyN(onlyWriter{out}, file, h.rec.Offset)
	if err == nil {
		err = out.Sync()
	}
	err = cmp.Or(err, out.Close())
	if err == nil {
		err = disk.rename(temp, partialsDir+"/"+h.id+dataSuffix)
	}
	if err != nil {
		_ = disk.remove(temp) // what cannot be removed now is removed by the next Open
		return err
	}
	return disk.syncDir(partialsDir)
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
