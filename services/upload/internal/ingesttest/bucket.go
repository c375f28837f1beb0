// Package ingesttest holds what tests of the upload service share: a bucket and
// a bus in memory whose calls can be made to fail one by one, and the auditor
// that is run after every scenario. It is for tests only.
package ingesttest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Bucket is a blob.Store in memory. Safe for concurrent use.
type Bucket struct {
	Faults *Faults // may be nil
	Now    func() time.Time
	Alone  bool             // one process has it to itself
	OnPut  func(key string) // called when an object is there; may be nil

	mu         sync.Mutex
	objects    map[string]object
	generation int64
	finalized  []string
}

type object struct {
	info blob.Info
	data []byte
}

// NewBucket makes an empty bucket.
func NewBucket(faults *Faults, now func() time.Time) *Bucket {
	return &Bucket{Faults: faults, Now: now, objects: map[string]object{}}
}

// Exclusive implements blob.Exclusive.
func (b *Bucket) Exclusive() bool { return b.Alone }

// Put implements blob.Store.
func (b *Bucket) Put(ctx context.Context, key string, r io.Reader, opts blob.WriteOptions) (info blob.Info, err error) {
	if err := blob.CheckWrite(key, opts); err != nil {
		return info, err
	}
	err = b.Faults.call(ctx, "put "+key, func(short bool) error {
		data, err := io.ReadAll(r)
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case opts.Size != 0 && int64(len(data)) != opts.Size:
			return blob.ErrIncomplete
		case short:
			data = data[:len(data)/2]
		}
		if info, err = b.keep(key, data, opts); err == nil && b.OnPut != nil {
			b.OnPut(key)
		}
		return err
	})
	return info, err
}

func (b *Bucket) keep(key string, data []byte, opts blob.WriteOptions) (blob.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.objects[key]; taken && opts.IfNotExists {
		return blob.Info{}, blob.ErrExists
	}
	b.generation++
	info := blob.Info{
		Key: key, Size: int64(len(data)), ContentType: cmp.Or(opts.ContentType, blob.DefaultContentType), Generation: b.generation, CreatedAt: b.Now(),
		CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)), Metadata: maps.Clone(opts.Metadata),
	}
	b.objects[key] = object{info, data}
	b.finalized = append(b.finalized, key)
	return info, nil
}

// Open implements blob.Store.
func (b *Bucket) Open(ctx context.Context, key string, offset, length int64) (r io.ReadCloser, info blob.Info, err error) {
	err = b.Faults.call(ctx, "open "+key, func(bool) error {
		o, err := b.get(ctx, key)
		if err != nil {
			return err
		}
		n, err := blob.Span(int64(len(o.data)), offset, length)
		if err != nil {
			return err
		}
		r, info = io.NopCloser(reader{ctx, bytes.NewReader(o.data[offset : offset+n])}), o.info
		return nil
	})
	return r, info, err
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	of  io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.of.Read(p)
}

// Stat implements blob.Store.
func (b *Bucket) Stat(ctx context.Context, key string) (info blob.Info, err error) {
	err = b.Faults.call(ctx, "stat "+key, func(bool) error {
		o, err := b.get(ctx, key)
		info = o.info
		return err
	})
	return info, err
}

func (b *Bucket) get(ctx context.Context, key string) (object, error) {
	if err := blob.CheckKey(key); err != nil {
		return object{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	if !ok {
		return o, blob.ErrNotFound
	}
	return o, ctx.Err()
}

// Delete implements blob.Store.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	return b.Faults.call(ctx, "delete "+key, func(bool) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if ctx.Err() == nil {
			delete(b.objects, key)
		}
		return ctx.Err()
	})
}

// List implements blob.Store.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) (page []blob.Info, err error) {
	if err := blob.CheckLimit(limit); err != nil {
		return nil, err
	}
	err = b.Faults.call(ctx, "list "+prefix, func(bool) error {
		for _, key := range b.Keys(prefix) {
			if key <= after || len(page) == limit {
				continue
			}
			if o, err := b.get(ctx, key); err == nil { // else it was deleted meanwhile
				page = append(page, o.info)
			}
		}
		return ctx.Err()
	})
	return page, err
}

// Keys lists what is stored under prefix, in order, without faults.
func (b *Bucket) Keys(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for key := range b.objects {
		if strings.HasPrefix(key, prefix) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Data is what is stored under key, without faults; nil for nothing.
func (b *Bucket) Data(key string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects[key].data
}

// Finalized lists every key that was ever written, in the order of writing.
func (b *Bucket) Finalized() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.finalized)
}

// Overwrite changes the stored bytes and nothing else, as bit rot does.
func (b *Bucket) Overwrite(key string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.objects[key]
	o.data = data
	b.objects[key] = o
}

func sum(data []byte) string {
	sha := sha256.Sum256(data)
	return hex.EncodeToString(sha[:])
}
