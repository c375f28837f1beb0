package fileblob

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// heldPartial is a partial that one caller has taken hold of.
type heldPartial struct {
	partials *Partials
	id       string
	rec      partialRecord
	last     int64 // bytes after the record's offset that Finish has added
}

// Partial implements blob.HeldPartial.
func (h *heldPartial) Partial() blob.Partial {
	return blob.Partial{ID: h.id, Offset: h.rec.Offset, Note: h.rec.Note}
}

// Release implements blob.HeldPartial.
func (h *heldPartial) Release() { h.partials.release(h.id) }

// Append implements blob.HeldPartial.
func (h *heldPartial) Append(ctx context.Context, r io.Reader) (int64, error) {
	return h.add(ctx, "fileblob.Append", r, false)
}

// Finish implements blob.HeldPartial. Keep's own fsync comes after these bytes,
// and saves theirs.
func (h *heldPartial) Finish(ctx context.Context, r io.Reader) (int64, error) {
	return h.add(ctx, "fileblob.Finish", r, true)
}

func (h *heldPartial) add(ctx context.Context, op string, r io.Reader, last bool) (int64, error) {
	h.last = 0
	if err := ctx.Err(); err != nil {
		return h.rec.Offset, classify(op, err)
	}
	src := stream.NewSource(ctx, r, 0)
	n, err := h.write(src, !last)
	end := h.rec.Offset + n
	if err == nil && last && src.Err() == nil {
		h.last = n
		return end, nil
	}
	if err == nil && src.Err() != nil {
		end -= end % blob.PartialStep
	}
	if err == nil && end > h.rec.Offset {
		rec := h.rec
		rec.Offset = end
		err = h.save(rec, true)
	}
	return h.rec.Offset, cmp.Or(classify(op, err), classify(op, fault.Wrap("fileblob.read", src.Err())))
}

// write puts what src yields after what counts, and tells how much there was.
// A source that fails is no error here; what came before it is made durable in
// any case.
func (h *heldPartial) write(src *stream.Source, durable bool) (n int64, err error) {
	if err := h.apart(); err != nil {
		return 0, err
	}
	file, err := h.partials.openData(h.id, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return 0, err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	// What a failed or a killed write left there does not count.
	if err := file.Truncate(h.rec.Offset); err != nil {
		return 0, err
	}
	if _, err := file.Seek(h.rec.Offset, io.SeekStart); err != nil {
		return 0, err
	}
	buf := copyBuffers.Get().(*[copyBytes]byte)
	defer copyBuffers.Put(buf)
	n, err = io.CopyBuffer(onlyWriter{file}, src, buf[:])
	if err != nil && src.Err() == nil {
		return 0, err
	}
	if !durable && src.Err() == nil {
		return n, nil
	}
	// A failed fsync is not repeated: the offset stays, and the bytes are
	// written again when they are sent again.
	return n, file.Sync()
}

// Open implements blob.HeldPartial.
func (h *heldPartial) Open(ctx context.Context) (io.ReadCloser, error) {
	const op = "fileblob.Open"
	if err := ctx.Err(); err != nil {
		return nil, classify(op, err)
	}
	if h.end() == 0 {
		return io.NopCloser(eof{}), nil
	}
	file, err := h.partials.openData(h.id, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blob.ErrUnavailable.With(op, err) // the partial is there; somebody removed its file
	}
	if err != nil {
		return nil, classify(op, err)
	}
	return &partialReader{Reader: io.LimitReader(file, h.end()), Closer: file}, nil
}

// end is where its bytes end, those that Finish has added included.
func (h *heldPartial) end() int64 { return h.rec.Offset + h.last }

type partialReader struct {
	io.Reader
	io.Closer
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// Annotate implements blob.HeldPartial.
func (h *heldPartial) Annotate(ctx context.Context, note []byte) error {
	if err := ctx.Err(); err != nil {
		return classify("fileblob.Annotate", err)
	}
	return classify("fileblob.Annotate", h.save(partialRecord{Offset: h.rec.Offset, Note: note}, true))
}

// Empty implements blob.HeldPartial. The record goes first: a file that is left
// over counts for nothing.
func (h *heldPartial) Empty(ctx context.Context, note []byte) error {
	err := ctx.Err()
	if err == nil {
		err = h.save(partialRecord{Note: note}, false)
	}
	if err == nil {
		err = h.partials.removeFile(partialsDir + "/" + h.id + dataSuffix)
	}
	return classify("fileblob.Empty", err)
}

// Remove implements blob.HeldPartial. The record goes first: without it the
// bytes are removed when the partials are opened next.
func (h *heldPartial) Remove(ctx context.Context) error {
	err := ctx.Err()
	for _, suffix := range []string{recordSuffix, dataSuffix} {
		if err == nil {
			err = h.partials.removeFile(partialsDir + "/" + h.id + suffix)
		}
	}
	if err == nil {
		err = h.partials.store.disk.syncDir(partialsDir)
	}
	if err == nil {
		h.partials.forget(h.id)
	}
	return classify("fileblob.Remove", err)
}

// save replaces the record.
func (h *heldPartial) save(rec partialRecord, durable bool) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	disk, temp := h.partials.store.disk, tempDir+"/"+rand.Text()
	err = h.stage(temp, raw, durable)
	if err == nil {
		err = disk.rename(temp, partialsDir+"/"+h.id+recordSuffix)
	}
	if err != nil {
		_ = disk.remove(temp) // what cannot be removed now is removed by the next Open
		return err
	}
	// What is read from now on, by a new process too, whatever the fsync says.
	h.rec, h.last = rec, 0
	h.partials.note(h.id, rec)
	if durable {
		return disk.syncDir(partialsDir)
	}
	return nil
}

func (h *heldPartial) stage(temp string, raw []byte, durable bool) error {
	file, err := h.partials.store.disk.create(temp)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err == nil && durable {
		err = file.Sync()
	}
	return cmp.Or(err, file.Close())
}
