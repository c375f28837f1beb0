// Package verify compares a media store with what it is said to hold: with a
// receipt, or with its own manifests. It reads every byte, and names every
// difference.
//
// It changes nothing, and knows neither which kind of store it is nor how a
// person is told.
package verify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Bucket is the store that is looked at; every blob.Store is one.
type Bucket interface {
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error)
	Stat(ctx context.Context, key string) (blob.Info, error)
	List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error)
}

// Code says what a difference is.
type Code string

// The codes.
const (
	Missing           Code = "missing"            // there is no original
	Size              Code = "size"               // it has another number of bytes
	SHA256            Code = "sha256"             // its bytes are others
	CRC32C            Code = "crc32c"             // its bytes are others, or the store's own checksum is
	Generation        Code = "generation"         // it was written again
	Damaged           Code = "damaged"            // the store cannot read it
	ManifestMissing   Code = "manifest_missing"   // an original that nothing describes
	ManifestDamaged   Code = "manifest_damaged"   // what describes an image cannot be read
	RenditionMissing  Code = "rendition_missing"  // a smaller copy is not there
	MotionMissing     Code = "motion_missing"     // the moving part is not there
	ReceiptIncomplete Code = "receipt_incomplete" // the receipt says that it had been missing
)

// Difference is one thing that is not as it should be.
type Difference struct {
	Code   Code
	ID     string
	Name   string // of the picture, where it is known
	Key    string // in the store
	Detail string
}

// Options say how to look.
type Options struct {
	Concurrency int // objects read at a time, at least 1
	// Young is the age up to which an original without a manifest may still be in
	// work, and is counted and not named.
	Young time.Duration
	Now   func() time.Time
	// Found hears of every difference, and Read of the bytes that were read, from
	// several goroutines at a time.
	Found func(Difference)
	Read  func(n int)
}

// Report is what was looked at.
type Report struct {
	Images int // originals that were compared
	Young  int // originals that may be in work
}

// expected is what an original should be.
type expected struct {
	id, name, key string
	size          int64
	sha256        string
	crc32c        uint32
	generation    int64
}

// Receipt compares the store with a receipt. Differences are no error; an error
// is a store that cannot be listed, a receipt that is none, or the end of ctx.
func Receipt(ctx context.Context, b Bucket, r uploadapi.Receipt, o Options) (Report, error) {
	v := &verifier{bucket: b, o: o}
	for _, id := range r.Missing {
		o.Found(Difference{Code: ReceiptIncomplete, ID: id, Detail: "the receipt was made before the picture was processed"})
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(o.Concurrency)
	for _, f := range r.Files {
		group.Go(func() error { return v.received(groupCtx, f) })
	}
	return Report{Images: len(r.Files)}, group.Wait()
}

type verifier struct {
	bucket Bucket
	o      Options
}

// received checks a file of a receipt. Its original is found by the id alone,
// so that a wrong manifest leads nowhere.
func (v *verifier) received(ctx context.Context, f uploadapi.ReceiptFile) error {
	crc, err := base64.StdEncoding.DecodeString(f.CRC32C)
	if err != nil || len(crc) != 4 || !identity.ValidImageID(f.ID) {
		return fmt.Errorf("the receipt is damaged: it says %q of %q", f.CRC32C, f.ID)
	}
	e := expected{id: f.ID, name: f.Name, size: f.Size, sha256: f.SHA256, crc32c: binary.BigEndian.Uint32(crc), generation: f.Generation}
	prefix := contract.OriginalKey(f.ID, identity.ImageTime(f.ID), ".")
	m, err := v.manifest(ctx, f.ID)
	switch {
	case err == nil && m.ID == f.ID && m.Key != "":
		e.key = m.Key
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		found, err := v.bucket.List(ctx, prefix, "", blob.MaxListLimit)
		if err != nil {
			return err
		}
		e.key = prefix
		for _, info := range found {
			if !isFilm(info.Key) {
				e.key = info.Key
			}
		}
	}
	return v.original(ctx, e)
}

// original reads the object and names what is not as expected.
func (v *verifier) original(ctx context.Context, e expected) error {
	r, info, err := v.bucket.Open(ctx, e.key, 0, -1)
	if err == nil {
		defer func() { _ = r.Close() }()
		return v.compare(ctx, e, info, r)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, blob.ErrNotFound) {
		v.differs(e, Missing, "there is no original")
		return nil
	}
	v.differs(e, Damaged, "the original cannot be read: "+err.Error())
	return nil
}

func (v *verifier) compare(ctx context.Context, e expected, info blob.Info, r io.Reader) error {
	sha, crc := sha256.New(), crc32.New(castagnoli)
	n, err := io.Copy(io.MultiWriter(sha, crc, meter(v.o.Read)), r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, blob.ErrChecksum) { // whose bytes have all come
		v.differs(e, Damaged, "the original cannot be read to its end: "+err.Error())
		return nil
	}
	if info.Generation != e.generation {
		v.differs(e, Generation, fmt.Sprintf("it was written again: generation %d, not %d", info.Generation, e.generation))
	}
	if n != e.size {
		v.differs(e, Size, fmt.Sprintf("it has %d bytes, not %d", n, e.size))
	}
	if got := crc.Sum32(); got != e.crc32c || info.CRC32C != e.crc32c {
		v.differs(e, CRC32C, fmt.Sprintf("its bytes have %08x, the store says %08x, it should be %08x", got, info.CRC32C, e.crc32c))
	}
	if got := hex.EncodeToString(sha.Sum(nil)); got != e.sha256 {
		v.differs(e, SHA256, fmt.Sprintf("its bytes have %s, not %s", got, e.sha256))
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// meter tells of the bytes that pass.
type meter func(int)

func (m meter) Write(p []byte) (int, error) {
	m(len(p))
	return len(p), nil
}

func (v *verifier) differs(e expected, code Code, detail string) {
	v.o.Found(Difference{Code: code, ID: e.id, Name: e.name, Key: e.key, Detail: detail})
}

// maxManifestBytes bounds what is read as a manifest; ours are a few kilobytes.
const maxManifestBytes = 256 << 10

func (v *verifier) manifest(ctx context.Context, id string) (contract.Manifest, error) {
	var m contract.Manifest
	r, _, err := v.bucket.Open(ctx, contract.ManifestKey(id), 0, -1)
	if err != nil {
		return m, err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, maxManifestBytes))
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(raw, &m)
	return m, err
}
