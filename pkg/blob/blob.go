// Package blob is the port to the store that holds originals, renditions and
// manifests: Cloud Storage in the cloud (gcsblob), a directory on one machine
// (fileblob).
//
// The package owns what every adapter shares: the rules for keys, the errors,
// and the contracts below, which blobtest checks. It knows no SDK and no file
// system.
package blob

import (
	"context"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// The errors every adapter returns (compare with errors.Is).
var (
	ErrNotFound   = fault.New(fault.NotFound, "blob_not_found", "There is no such object.")
	ErrExists     = fault.New(fault.PreconditionFailed, "blob_exists", "The object is already there.")
	ErrKey        = fault.New(fault.Invalid, "blob_key_invalid", "That is not a valid object name.")
	ErrRange      = fault.New(fault.RangeNotSatisfiable, "range_not_satisfiable", "The requested bytes are beyond the end of the object.")
	ErrIncomplete = fault.New(fault.Invalid, "body_incomplete", "The data ended before its declared length.")
	ErrChecksum   = fault.New(fault.Unprocessable, "checksum_mismatch", "The data does not match its checksum.")
)

// Limits on keys and listings.
const (
	// MaxKeyBytes is Cloud Storage's limit on an object name.
	// https://cloud.google.com/storage/docs/objects#naming
	MaxKeyBytes = 1024
	// MaxListLimit is the most entries one List call returns.
	MaxListLimit = 1000
)

// Info describes a stored object.
type Info struct {
	Key         string
	Size        int64 // bytes
	ContentType string
	CRC32C      uint32 // Castagnoli, of the whole object
	Generation  int64  // changes with every write of the key; never 0
	CreatedAt   time.Time
	Metadata    map[string]string
}

// WriteOptions say what is written and under which condition.
type WriteOptions struct {
	ContentType string            // stored as given; empty means application/octet-stream
	Metadata    map[string]string // small (under 8 KiB in all); keys lower-case ASCII
	IfNotExists bool              // fail with ErrExists instead of replacing
	Size        int64             // the exact length where it is known, else 0; a different length is ErrIncomplete
}

// Store keeps objects under keys. An object becomes visible only when it is
// complete and durable, all at once; until then nothing of it is seen by Stat,
// Open or List. Adapters are safe for concurrent use, retry what is safe to
// retry themselves, and honour the context of every call.
type Store interface {
	// Put stores everything r yields until io.EOF under key, in memory bounded
	// by a constant whatever the length. When Put returns nil the object
	// survives a crash of the process and of the machine. When r fails, ctx
	// ends or a condition does not hold, nothing is stored, and r's own error
	// is in the returned error's chain. Of two concurrent Puts with IfNotExists
	// exactly one succeeds.
	Put(ctx context.Context, key string, r io.Reader, opts WriteOptions) (Info, error)

	// Open reads length bytes from offset; length < 0 reads to the end. A
	// range that passes the end is cut there; an offset at or beyond the end of
	// a non-empty object is ErrRange. A missing object is ErrNotFound. The
	// caller closes the reader. The Info describes the whole object, of the
	// same generation as the bytes.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, Info, error)

	// Stat describes the object, or is ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)

	// Delete removes the object. Deleting what is not there succeeds.
	Delete(ctx context.Context, key string) error

	// List returns up to limit (1..MaxListLimit) objects whose keys start with
	// prefix and are greater than after, in byte order of the keys. Info may
	// lack Metadata.
	List(ctx context.Context, prefix, after string, limit int) ([]Info, error)
}

// CheckKey accepts a key that is safe on every adapter: 1..MaxKeyBytes of
// valid UTF-8 without control characters, '/'-separated segments none of which
// is empty, "." or "..", and no backslash. Adapters call it first.
func CheckKey(key string) error {
	if key == "" || len(key) > MaxKeyBytes || !utf8.ValidString(key) {
		return ErrKey
	}
	for _, r := range key {
		if r < 0x20 || r == 0x7f || r == '\\' || (r >= 0x80 && r <= 0x9f) {
			return ErrKey
		}
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > 255 {
			return ErrKey
		}
	}
	return nil
}

// Each calls visit for every object under prefix, in key order, a page at a
// time. It stops at visit's first error and returns it.
func Each(ctx context.Context, s Store, prefix string, visit func(Info) error) error {
	after := ""
	for {
		page, err := s.List(ctx, prefix, after, MaxListLimit)
		if err != nil {
			return err
		}
		for _, info := range page {
			if err := visit(info); err != nil {
				return err
			}
			after = info.Key
		}
		if len(page) < MaxListLimit {
			return nil
		}
	}
}
