package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// The names of an original's metadata.
const (
	metaOwner    = "owner"
	metaName     = "name" // percent-encoded, since metadata travels in headers
	metaModified = "modified_at"
	metaAlbum    = "album" // percent-encoded too
	metaTaken    = "taken_at"
	metaCaption  = "caption" // percent-encoded too
	metaPlace    = "place"   // latitude,longitude
	metaTrace    = contract.MetadataTraceParent
)

// settleTimeout bounds the look at what became of a write that failed.
const settleTimeout = 10 * time.Second

var errStoredWrong = fault.New(fault.Unavailable, "storage_unavailable", "The file could not be stored intact. Please add it again.")

// File is one file of an upload. Its body is read once, to the end or to the
// first error.
type File struct {
	Name       string     // as the client sent it; hostile
	ModifiedAt *time.Time // where the client said it
	Album      string     // as the client sent it: names joined by '/', or ""
	// CompanionOf is the image that the file is the film of; "" where it is an
	// image.
	CompanionOf string
	// Beside is the image that the file is the film of if it is a film; "" for none.
	Beside  string
	Body    io.Reader
	Refusal error // why the file cannot be taken, whatever it holds
}

// Original is a file that is stored durably.
type Original struct {
	ID          string
	Key         string
	Name        string // cleaned
	Size        int64
	ContentType string // detected
	SHA256      string // lower-case hexadecimal
	CreatedAt   time.Time
	Album       string // cleaned; "" for none

	companion string // where it is a companion: the id that it was planned under
}

// Companion reports whether the file is the film of an image, whose ID it has,
// and no image.
func (o Original) Companion() bool { return o.companion != "" }

// BodyError says that the client's bytes ended or failed, as opposed to the
// store. Nothing was kept of the file.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return fmt.Sprintf("ingest: read body: %v", e.Err) }

// Unwrap gives the cause.
func (e *BodyError) Unwrap() error { return e.Err }

// Store keeps one file for owner under a new id and returns when it is durable.
// What is by its first bytes no image is refused before anything is stored, and
// a file of more than Config.FileBytes as file_too_large. A body that fails is a
// *BodyError. After any error nothing is kept.
func (s *Service) Store(ctx context.Context, owner identity.Owner, f File) (Original, error) {
	if f.Refusal != nil {
		return Original{}, f.Refusal
	}
	body := newMeter(f.Body, s.cfg.FileBytes)
	head, whole, err := peek(body)
	if err != nil {
		return Original{}, body.classify(err)
	}
	n := s.newNote(owner, Planned{Name: f.Name, Album: f.Album, CompanionOf: f.CompanionOf})
	k, err := n.sniff(head, whole)
	if errors.Is(err, errAlone) && f.Beside != "" {
		n.CompanionOf = f.Beside
		k, err = n.sniff(head, whole)
	}
	if err == nil && n.CompanionOf != "" {
		n.CompanionOf, err = s.admitWhole(ctx, owner, n.CompanionOf)
	}
	if err != nil {
		return Original{}, err
	}
	o := n.original(k)
	if err := s.put(ctx, o, owner, said{modified: f.ModifiedAt}, io.MultiReader(bytes.NewReader(head), body), body); err != nil {
		return Original{}, err
	}
	o.Size, o.SHA256 = body.size, body.sum()
	return o, nil
}

// newOriginal is what is known of a file before its end.
func newOriginal(id, name string, k kind) Original {
	created := identity.ImageTime(id)
	return Original{
		ID: id, Key: contract.OriginalKey(id, created, k.extension), Name: CleanName(name),
		ContentType: k.contentType, CreatedAt: created,
	}
}

// metadataOf is what a stored original says of itself, for describe to read. Its
// texts are cleaned: the longest of them, percent-encoded, stay together below
// the 8 KiB that Cloud Storage allows.
func metadataOf(owner identity.Owner, name, album string, say said) map[string]string {
	metadata := map[string]string{metaOwner: string(owner), metaName: url.PathEscape(name)}
	if say.modified != nil {
		metadata[metaModified] = say.modified.UTC().Format(time.RFC3339Nano)
	}
	if album != "" {
		metadata[metaAlbum] = url.PathEscape(album)
	}
	if say.trace != "" {
		metadata[metaTrace] = say.trace
	}
	say.given.describe(metadata)
	return metadata
}

// writeOptions describe an original to the store.
func writeOptions(o Original, owner identity.Owner, say said) blob.WriteOptions {
	metadata := metadataOf(owner, o.Name, o.Album, say)
	if o.companion != "" {
		metadata[metaCompanion] = o.companion
	}
	return blob.WriteOptions{ContentType: o.ContentType, Metadata: metadata, IfNotExists: true}
}

func (s *Service) put(ctx context.Context, o Original, owner identity.Owner, say said, r io.Reader, body *meter) error {
	s.fresh.addOriginal(o)
	say.trace = s.ports.Trace.Place(ctx)
	info, err := s.ports.Blob.Put(ctx, o.Key, r, writeOptions(o, owner, say))
	return s.stored(ctx, o, body, info, err)
}

// stored judges what a write of an original came to.
func (s *Service) stored(ctx context.Context, o Original, body *meter, info blob.Info, err error) error {
	if err == nil && body.describes(info) {
		return nil
	}
	if err == nil {
		err = errStoredWrong.With("ingest.Store", fmt.Errorf("stored %d bytes with crc %08x, received %d with %08x",
			info.Size, info.CRC32C, body.size, body.crc.Sum32()))
	}
	if err = s.settle(ctx, o, body, err); err != nil {
		s.fresh.take(o.ID)
	}
	return err
}

// settle looks at what became of a write that failed. A store may have done it
// and lost the answer: then the file is safe. Otherwise whatever is there goes,
// so that no image appears that the client was told had failed.
func (s *Service) settle(ctx context.Context, o Original, body *meter, failure error) error {
	if body.failed != nil {
		return body.classify(failure)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if body.ended || o.Companion() {
		info, err := s.ports.Blob.Stat(ctx, o.Key)
		switch {
		case err == nil && body.describes(info):
			return nil
		case o.Companion() && err == nil && info.Metadata[metaCompanion] != o.companion:
			return errHasCompanion.With("ingest.Store", failure)
		case o.Companion() && err != nil: // another's may be there
			return fault.Wrap("ingest.Store", failure)
		}
	}
	if errors.Is(failure, blob.ErrExists) { // and is not ours: the id was taken
		return errStoredWrong.With("ingest.Store", failure)
	}
	if err := s.ports.Blob.Delete(ctx, o.Key); err != nil {
		s.ports.Log.WarnContext(ctx, "a failed upload was not removed", "key", o.Key, "err", err)
	}
	return fault.Wrap("ingest.Store", failure)
}

// peek reads the beginning of r; whole says that there is no more.
func peek(r io.Reader) (head []byte, whole bool, err error) {
	head = make([]byte, sniffBytes)
	n, err := io.ReadFull(r, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF { // ReadFull's own; a client's is in a *BodyError's chain
		return head[:n], true, nil
	}
	return head[:n], false, err
}

// meter counts and hashes what passes, and tells the client's failures from
// the end of the file.
type meter struct {
	r      io.Reader
	limit  int64
	size   int64
	sha    hash.Hash
	crc    hash.Hash32
	ended  bool  // the body came to its end
	failed error // why it did not
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newMeter(r io.Reader, limit int64) *meter {
	return &meter{r: r, limit: limit, sha: sha256.New(), crc: crc32.New(castagnoli)}
}

func (m *meter) Read(p []byte) (int, error) {
	if m.failed != nil {
		return 0, m.failed
	}
	n, err := m.r.Read(p)
	m.size += int64(n)
	m.sha.Write(p[:n])
	m.crc.Write(p[:n])
	switch {
	case m.size > m.limit:
		m.failed = fault.Newf(fault.TooLarge, "file_too_large", "The file is larger than the %d MiB that one file may have.", m.limit>>20)
		err = m.failed
	case err == io.EOF: // the regular end is io.EOF itself; a failure may have it in its chain
		m.ended = true
	case err != nil:
		m.failed = &BodyError{err}
		err = m.failed
	}
	return n, err
}

// classify prefers the body's own failure to what a store made of it.
func (m *meter) classify(err error) error {
	if m.failed != nil {
		return m.failed
	}
	return fault.Wrap("ingest.Store", err)
}

func (m *meter) describes(info blob.Info) bool {
	return m.ended && info.Size == m.size && info.CRC32C == m.crc.Sum32()
}
