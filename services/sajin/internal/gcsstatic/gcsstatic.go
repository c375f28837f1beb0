// Package gcsstatic puts the interface's files into a bucket of Cloud Storage
// that browsers read: compressed, with a content type and with leave to keep them
// for ever.
//
// The bucket is another one than that of the pictures: everybody may read it. The
// package knows the bucket and nothing of what is current; staticfiles does.
package gcsstatic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/sajin-gallery/sajin/services/web"
)

const (
	prefix = "static/"
	// currentKey is the metadata that says when a file was last current.
	currentKey = "sajin-current"
	// callTimeout bounds one call, with its repetitions.
	callTimeout = time.Minute
)

// Place is a bucket.
type Place struct {
	client *storage.Client
	bucket *storage.BucketHandle
}

// Open makes a client, with the environment's credentials or for the emulator
// that STORAGE_EMULATOR_HOST names. It makes no request.
func Open(ctx context.Context, bucket string) (*Place, error) {
	client, err := storage.NewClient(ctx, storage.WithJSONReads(), storage.WithDisabledClientMetrics(), option.WithTelemetryDisabled())
	if err != nil {
		return nil, fmt.Errorf("gcsstatic: %w", err)
	}
	// All of it may be repeated: a name stands for its bytes.
	client.SetRetry(storage.WithPolicy(storage.RetryAlways))
	return &Place{client: client, bucket: client.Bucket(bucket)}, nil
}

// Close ends the client.
func (p *Place) Close() error { return p.client.Close() }

// List implements staticfiles.Place. What somebody else has put there counts from
// when that was.
func (p *Place) List(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	objects := p.bucket.Objects(ctx, &storage.Query{Prefix: prefix, Projection: storage.ProjectionNoACL})
	for {
		attrs, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out[attrs.Name] = attrs.Updated
		if at, err := time.Parse(time.RFC3339, attrs.Metadata[currentKey]); err == nil {
			out[attrs.Name] = at
		}
	}
}

// Put implements staticfiles.Place. It sends the gzip form, where there is one:
// Cloud Storage unpacks that for whoever does not take it, and would not unpack
// Brotli.
func (p *Place) Put(ctx context.Context, f web.StaticFile, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	w := p.bucket.Object(f.Name).NewWriter(ctx)
	w.ContentType, w.CacheControl, w.Metadata = f.ContentType, f.CacheControl, current(at)
	w.ChunkSize = 0 // one request: they are small
	data := f.Plain
	if f.Gzip != nil {
		data, w.ContentEncoding = f.Gzip, "gzip"
	}
	if _, err := w.Write(data); err != nil {
		cancel() // or Close would store what there is
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

// Touch implements staticfiles.Place.
func (p *Place) Touch(ctx context.Context, name string, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := p.bucket.Object(name).Update(ctx, storage.ObjectAttrsToUpdate{Metadata: current(at)})
	return err
}

// Remove implements staticfiles.Place.
func (p *Place) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := p.bucket.Object(name).Delete(ctx); err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
		return err
	}
	return nil
}

func current(at time.Time) map[string]string {
	return map[string]string{currentKey: at.UTC().Format(time.RFC3339)}
}
