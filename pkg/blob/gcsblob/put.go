package gcsblob

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"cloud.google.com/go/storage"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// writeToken is the metadata by which a Put with IfNotExists knows its own
// object again: when the answer to a request is lost and the request is
// repeated, the bucket refuses it because of the object it made itself.
const writeToken = "sajin-write"

// cleanupTimeout bounds what is done for a Put that has failed.
const cleanupTimeout = 10 * time.Second

// Put implements blob.Store. It holds a chunk of the object in memory.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opts blob.WriteOptions) (_ blob.Info, err error) {
	defer observe(ctx, "put", time.Now(), &err)
	const op = "gcsblob.Put"
	if err := blob.CheckWrite(key, opts); err != nil {
		return blob.Info{}, err
	}
	object, token := s.bucket.Object(key), ""
	if opts.IfNotExists {
		object, token = object.If(storage.Conditions{DoesNotExist: true}), rand.Text()
	}
	src := stream.NewSource(ctx, r, opts.Size)
	attrs, err := s.upload(ctx, object, token, src, opts)
	if err == nil {
		err = s.verify(ctx, attrs, src)
	}
	if err = classify(ctx, op, err); errors.Is(err, blob.ErrExists) && src.Err() == nil {
		if attrs, err = s.ownObject(ctx, key, token, err); err == nil {
			err = classify(ctx, op, s.verify(ctx, attrs, src))
		}
	}
	if err != nil {
		return blob.Info{}, err
	}
	return describe(attrs), nil
}

// upload sends src. When it fails nothing is stored, unless it was the very
// last answer that got lost.
func (s *Store) upload(ctx context.Context, object *storage.ObjectHandle, token string, src *stream.Source, opts blob.WriteOptions) (*storage.ObjectAttrs, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := object.NewWriter(ctx)
	w.ChunkSize = s.chunkSize(opts.Size)
	w.ChunkTransferTimeout, w.ChunkRetryDeadline = chunkStall, s.retryFor
	w.ContentType = cmp.Or(opts.ContentType, blob.DefaultContentType)
	w.Metadata = maps.Clone(opts.Metadata)
	if token != "" {
		if w.Metadata == nil {
			w.Metadata = map[string]string{}
		}
		w.Metadata[writeToken] = token
	}
	if _, err := io.Copy(w, src); err != nil {
		// Closing alone would finish the object with what was sent so far. After
		// the cancellation it sends nothing more, and waits for the writer's end.
		cancel()
		_ = w.Close()
		return nil, cmp.Or(fault.Wrap("gcsblob.read", src.Err()), err)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Attrs(), nil
}

// chunkSize is a chunk that holds an object of known size wholly, if that is
// less than the usual chunk: the library allocates it at once.
func (s *Store) chunkSize(size int64) int {
	if size > 0 && size < int64(s.chunk) {
		// One more than the size, so that the end is seen within the chunk.
		return (int(size)/chunkStep + 1) * chunkStep
	}
	return s.chunk
}

// verify compares what the bucket says it has with what was read, and removes
// an object that is not that.
func (s *Store) verify(ctx context.Context, attrs *storage.ObjectAttrs, src *stream.Source) error {
	if attrs.CRC32C == src.CRC32C() && attrs.Size == src.Size() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	removed := s.bucket.Object(attrs.Name).Generation(attrs.Generation).Delete(ctx)
	return blob.ErrChecksum.With("", errors.Join(removed, fmt.Errorf("sent %d bytes with CRC32C %08x, stored %d with %08x",
		src.Size(), src.CRC32C(), attrs.Size, attrs.CRC32C)))
}

// ownObject tells whether the object that is there was made by the Put with
// this token; otherwise it returns the error exists.
func (s *Store) ownObject(ctx context.Context, key, token string, exists error) (*storage.ObjectAttrs, error) {
	attrs, err := s.bucket.Object(key).Attrs(ctx)
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		return nil, exists // and deleted since
	case err != nil:
		return nil, classify(ctx, "gcsblob.Put", err)
	case token == "" || attrs.Metadata[writeToken] != token:
		return nil, exists
	}
	return attrs, nil
}
