// Package gcsblob is the blob store in a bucket of Cloud Storage.
//
// It speaks the JSON API through cloud.google.com/go/storage. Calls that may be
// repeated without harm are repeated by the client library on 408, 429, 5xx and
// broken connections, for at most Options.RetryFor; a Put is one of them when it is
// IfNotExists. A Put that replaces is sent once: its caller knows whether it may
// be sent again.
//
// The package knows the bucket and its API, and nothing of what is stored.
package gcsblob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	transport "google.golang.org/api/transport/http"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

const (
	// defaultChunkBytes is what one Put buffers, to send it again if need be. A
	// photograph is two or three requests.
	defaultChunkBytes = 4 << 20
	// chunkStep is the unit in which the library allocates.
	chunkStep = 256 << 10
	// defaultRetryFor outlasts the short outages that are usual.
	defaultRetryFor = 30 * time.Second
	// chunkStall is how long a chunk may go unacknowledged.
	chunkStall = 30 * time.Second
)

// Options adjust a store. The zero value uses Cloud Storage with the
// environment's credentials, or the emulator that STORAGE_EMULATOR_HOST names.
type Options struct {
	// Endpoint is the base URL of an emulator, such as http://127.0.0.1:4443. No
	// credentials are sent there.
	Endpoint string
	// ChunkBytes is the memory of one Put, 4 MiB when 0; it is rounded up to a
	// multiple of 256 KiB. Objects of a known smaller size take less.
	ChunkBytes int
	// RetryFor bounds the repetitions of one call, in case its context does not;
	// 30 seconds when 0.
	RetryFor time.Duration
}

// backoff is faster at first than the library's own, which waits up to a
// second while a page is loading.
var backoff = gax.Backoff{Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2}

// Store is a blob.Store in a bucket. Safe for concurrent use.
type Store struct {
	client   *storage.Client
	bucket   *storage.BucketHandle
	http     *http.Client // with the same credentials, for what the library has no call for
	base     *url.URL     // of the API: scheme and host
	chunk    int
	retryFor time.Duration
}

var _ blob.Store = (*Store)(nil)

// isTransient adds to what the library repeats a connection that was closed
// before any answer. Only calls that may be repeated are asked about.
func isTransient(err error) bool {
	return storage.ShouldRetry(err) || errors.Is(err, io.EOF)
}

// Open makes a client for the bucket. It makes no request: that the bucket is
// not there, or the rights to it are not, shows as ErrUnavailable in the first
// List or Put. (To Stat and Open a missing bucket is only a missing object.)
func Open(ctx context.Context, bucket string, opts Options) (*Store, error) {
	clientOptions := []option.ClientOption{storage.WithJSONReads(), storage.WithDisabledClientMetrics(), option.WithTelemetryDisabled()}
	if opts.Endpoint != "" {
		clientOptions = append(clientOptions, option.WithoutAuthentication(),
			option.WithEndpoint(strings.TrimSuffix(opts.Endpoint, "/")+"/storage/v1/"))
	}
	client, err := storage.NewClient(ctx, clientOptions...)
	if err != nil {
		return nil, blob.ErrUnavailable.With("gcsblob.Open", err)
	}
	base, plain, err := connect(ctx, opts.Endpoint)
	if err != nil {
		return nil, blob.ErrUnavailable.With("gcsblob.Open", errors.Join(err, client.Close()))
	}
	retryFor := cmp.Or(opts.RetryFor, defaultRetryFor)
	// Before Bucket, which takes a copy of it.
	client.SetRetry(storage.WithPolicy(storage.RetryIdempotent), storage.WithErrorFunc(isTransient),
		storage.WithBackoff(backoff), storage.WithMaxRetryDuration(retryFor))
	return &Store{
		client: client, bucket: client.Bucket(bucket), http: plain, base: base,
		chunk: cmp.Or(opts.ChunkBytes, defaultChunkBytes), retryFor: retryFor,
	}, nil
}

// cloud is the API's address where no emulator is named.
const cloud = "https://storage.googleapis.com"

// connect finds the API as the library does, with credentials that may read and
// write objects; an emulator gets none.
func connect(ctx context.Context, endpoint string) (*url.URL, *http.Client, error) {
	emulator := cmp.Or(endpoint, os.Getenv("STORAGE_EMULATOR_HOST")) //nolint:forbidigo // the library's own variable, which it reads by itself
	options := []option.ClientOption{option.WithScopes(storage.ScopeReadWrite), option.WithTelemetryDisabled()}
	if emulator != "" {
		options = []option.ClientOption{option.WithoutAuthentication(), option.WithTelemetryDisabled()}
		if !strings.Contains(emulator, "://") {
			emulator = "http://" + emulator
		}
	}
	base, err := url.Parse(strings.TrimSuffix(cmp.Or(emulator, cloud), "/"))
	if err != nil {
		return nil, nil, fmt.Errorf("the emulator's address: %w", err)
	}
	client, _, err := transport.NewClient(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("find credentials: %w", err)
	}
	return base, client, nil
}

// Close gives the client's connections up.
func (s *Store) Close() error {
	s.http.CloseIdleConnections()
	if err := s.client.Close(); err != nil {
		return blob.ErrUnavailable.With("gcsblob.Close", err)
	}
	return nil
}

// describe translates the bucket's description of an object.
func describe(attrs *storage.ObjectAttrs) blob.Info {
	info := blob.Info{
		Key: attrs.Name, Size: attrs.Size, ContentType: attrs.ContentType, CRC32C: attrs.CRC32C,
		Generation: attrs.Generation, CreatedAt: attrs.Created.UTC(),
	}
	for name, value := range attrs.Metadata {
		if name == writeToken {
			continue
		}
		if info.Metadata == nil {
			info.Metadata = make(map[string]string, len(attrs.Metadata))
		}
		info.Metadata[name] = value
	}
	return info
}
