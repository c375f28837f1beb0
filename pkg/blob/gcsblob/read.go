package gcsblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
)

// openAttempts is how often Open follows an object that is replaced between
// its description and its bytes: rare, and worth no failure even where somebody
// writes without a pause.
const openAttempts = 20

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (_ blob.Info, err error) {
	defer observe(ctx, "stat", time.Now(), &err)
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	attrs, err := s.bucket.Object(key).Attrs(ctx)
	if err != nil {
		return blob.Info{}, classify(ctx, "gcsblob.Stat", err)
	}
	return describe(attrs), nil
}

// Open implements blob.Store. It asks for the description, then for the bytes
// of that very generation: the answer with the bytes does not say all that
// Info holds.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (_ io.ReadCloser, _ blob.Info, err error) {
	defer observe(ctx, "open", time.Now(), &err)
	const op = "gcsblob.Open"
	if err := blob.CheckKey(key); err != nil {
		return nil, blob.Info{}, err
	}
	for range openAttempts {
		var info blob.Info
		if info, err = s.Stat(ctx, key); err != nil {
			return nil, blob.Info{}, err
		}
		var body io.ReadCloser
		if body, err = s.read(ctx, info, offset, length); err == nil {
			return body, info, nil
		}
		if !errors.Is(err, storage.ErrObjectNotExist) {
			return nil, blob.Info{}, classify(ctx, op, err)
		}
	}
	return nil, blob.Info{}, blob.ErrUnavailable.With(op, fmt.Errorf("replaced %d times while it was opened: %w", openAttempts, err))
}

// read opens the bytes of the generation that info describes.
func (s *Store) read(ctx context.Context, info blob.Info, offset, length int64) (io.ReadCloser, error) {
	n, err := blob.Span(info.Size, offset, length)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	whole := n == info.Size
	if whole {
		length = -1 // asks without a Range header
	} else {
		length = n
	}
	raw, err := s.bucket.Object(info.Key).Generation(info.Generation).NewRangeReader(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	var body io.Reader = raw
	if whole {
		body = stream.NewVerifier(raw, info.CRC32C)
	}
	return &reader{ctx: ctx, body: body, closer: raw}, nil
}

// reader reads an object until its context ends.
type reader struct {
	ctx    context.Context
	body   io.Reader
	closer io.Closer
}

// Read returns io.EOF itself, and other errors classified.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil { // also where the bytes are here already
		return 0, classify(r.ctx, "gcsblob.Read", err)
	}
	n, err := r.body.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, classify(r.ctx, "gcsblob.Read", err)
}

func (r *reader) Close() error { return classify(r.ctx, "gcsblob.Close", r.closer.Close()) }

// Delete implements blob.Store. It is repeated like a read: a deletion that
// arrives twice is one that arrived late.
func (s *Store) Delete(ctx context.Context, key string) (err error) {
	defer observe(ctx, "delete", time.Now(), &err)
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	return remove(ctx, s.bucket.Object(key))
}

// DeleteIf implements blob.ConditionalDeleter.
func (s *Store) DeleteIf(ctx context.Context, info blob.Info) (err error) {
	defer observe(ctx, "delete", time.Now(), &err)
	if err := blob.CheckKey(info.Key); err != nil {
		return err
	}
	err = remove(ctx, s.bucket.Object(info.Key).If(storage.Conditions{GenerationMatch: info.Generation}))
	if errors.Is(err, blob.ErrExists) { // as another generation
		return nil
	}
	return err
}

func remove(ctx context.Context, object *storage.ObjectHandle) error {
	err := object.Retryer(storage.WithPolicy(storage.RetryAlways)).Delete(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return classify(ctx, "gcsblob.Delete", err)
}

// List implements blob.Store. The Info lacks Metadata.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) (_ []blob.Info, err error) {
	defer observe(ctx, "list", time.Now(), &err)
	if err := blob.CheckLimit(limit); err != nil {
		return nil, err
	}
	if !blob.CheckPrefix(prefix) {
		return nil, nil
	}
	query := &storage.Query{Prefix: prefix, StartOffset: expressible(after), Projection: storage.ProjectionNoACL}
	if err := query.SetAttrSelection([]string{"Name", "Size", "ContentType", "CRC32C", "Generation", "Created"}); err != nil {
		return nil, classify(ctx, "gcsblob.List", err)
	}
	objects := s.bucket.Objects(ctx, query)
	objects.PageInfo().MaxSize = min(limit+1, blob.MaxListLimit) // one more, as StartOffset is inclusive
	var found []blob.Info
	for len(found) < limit {
		attrs, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, classify(ctx, "gcsblob.List", err)
		}
		if attrs.Name > after && blob.CheckKey(attrs.Name) == nil {
			found = append(found, describe(attrs))
		}
	}
	return found, nil
}

// expressible is the longest beginning of after that can be sent as a name:
// what follows it is passed over here.
func expressible(after string) string {
	for i, r := range after {
		if r == '\uFFFD' || r < 0x20 {
			return after[:i]
		}
	}
	return after
}
