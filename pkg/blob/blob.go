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
	// ErrConflict: a store over folders cannot hold both "a" and "a/b".
	ErrConflict = fault.New(fault.Conflict, "blob_key_conflict", "That name is taken by a folder, or lies inside an object.")
	// ErrOptions: a content type, metadata or size that no store takes.
	ErrOptions = fault.New(fault.Invalid, "blob_options_invalid", "That is not valid metadata for an object.")
	// ErrLimit: a List limit outside 1..MaxListLimit.
	ErrLimit = fault.New(fault.Invalid, "blob_limit_invalid", "That many objects cannot be listed at once.")
	// ErrDamaged: the object is there, and what describes it cannot be read. It
	// is of the Internal kind: a client can do nothing about it and is told nothing.
	ErrDamaged = fault.New(fault.Internal, "blob_damaged", "The object is damaged.")
	// ErrUnavailable: the store failed, or could not be reached in time.
	ErrUnavailable = fault.New(fault.Unavailable, "storage_unavailable", "The storage cannot be reached at the moment. Please try again.")
	// ErrFull: the disk or the quota is full.
	ErrFull = fault.New(fault.OutOfSpace, "storage_full", "There is no space left for more pictures.")
)

// Limits on keys, descriptions and listings.
const (
	// MaxKeyBytes is Cloud Storage's limit on an object name.
	// https://cloud.google.com/storage/docs/objects#naming
	MaxKeyBytes = 1024
	// MaxSegmentBytes is the longest file name that common file systems take.
	MaxSegmentBytes = 255
	// MaxMetadataBytes is Cloud Storage's limit on all metadata keys and values
	// of an object together. https://cloud.google.com/storage/quotas#objects
	MaxMetadataBytes = 8 << 10
	// MaxContentTypeBytes is far above any registered media type.
	MaxContentTypeBytes = 255
	// DefaultContentType is what an object without one gets.
	DefaultContentType = "application/octet-stream"
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
	ContentType string            // stored as given; empty means DefaultContentType
	Metadata    map[string]string // at most MaxMetadataBytes in all; keys of a-z, 0-9, '-' and '_'
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
	// survives a crash of the process and of the machine. When r fails, ctx ends
	// before r does, or a condition does not hold, nothing is stored, and r's own error
	// is in the returned error's chain; it may wait for a Read of r that is under
	// way. After any other error, such as ErrUnavailable, the object is there
	// whole or not at all, and Stat tells. Of two concurrent Puts with
	// IfNotExists exactly one succeeds. A key that is a folder of other keys, or
	// lies under another object, may be ErrConflict; do not depend on either.
	Put(ctx context.Context, key string, r io.Reader, opts WriteOptions) (Info, error)

	// Open reads length bytes from offset; length < 0 reads to the end. A
	// range that passes the end is cut there; an offset at or beyond the end is
	// ErrRange, except offset 0 of an empty object (see Span). A missing object
	// is ErrNotFound. The caller closes the reader. The Info describes the whole
	// object, of the same generation as the bytes. A reader of the whole object
	// ends with ErrChecksum in place of io.EOF if the bytes have changed in store.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, Info, error)

	// Stat describes the object, or is ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)

	// Delete removes the object. Deleting what is not there succeeds.
	Delete(ctx context.Context, key string) error

	// List returns up to limit (1..MaxListLimit) objects whose keys start with
	// prefix and are greater than after, in byte order of the keys. Info may
	// lack Metadata. A prefix that no key can start with (see CheckPrefix) gives
	// nothing; objects that are damaged, or whose names are no keys, are left out. Objects written or deleted meanwhile may or
	// may not be there; all others are there exactly once.
	List(ctx context.Context, prefix, after string, limit int) ([]Info, error)
}

// AtOpener is a Store whose objects can be read at any place as they are,
// without being copied to somewhere near first.
type AtOpener interface {
	// OpenAt opens the object for reading at any place, or is ErrNotFound. The
	// caller closes it. Unlike Open's, its bytes are not compared with the
	// checksum; it goes on reading the generation that the Info describes.
	OpenAt(ctx context.Context, key string) (ReaderAtCloser, Info, error)
}

// ReaderAtCloser reads an object at any place, from several goroutines too.
type ReaderAtCloser interface {
	io.ReaderAt
	io.Closer
}

// CheckKey accepts a key that is safe on every adapter: 1..MaxKeyBytes of
// valid UTF-8 without control characters, '/'-separated segments of at most
// MaxSegmentBytes none of which is empty, "." or "..", and no backslash.
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
		if segment == "" || segment == "." || segment == ".." || len(segment) > MaxSegmentBytes {
			return ErrKey
		}
	}
	return nil
}

// CheckPrefix reports whether a key can start with prefix. A prefix that ends
// inside a character is none.
func CheckPrefix(prefix string) bool {
	return CheckKey(prefix) == nil || CheckKey(prefix+"x") == nil
}

// CheckWrite accepts a key and options that every adapter can store. Adapters
// call it first in Put.
func CheckWrite(key string, opts WriteOptions) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if opts.Size < 0 || len(opts.ContentType) > MaxContentTypeBytes || !isHeaderText(opts.ContentType) {
		return ErrOptions
	}
	total := 0
	for name, value := range opts.Metadata {
		if !isMetadataName(name) || !utf8.ValidString(value) {
			return ErrOptions
		}
		total += len(name) + len(value)
	}
	if total > MaxMetadataBytes {
		return ErrOptions
	}
	return nil
}

// isHeaderText reports whether s can be sent as a header's value as it is.
func isHeaderText(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func isMetadataName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// CheckLimit accepts a List limit in 1..MaxListLimit.
func CheckLimit(limit int) error {
	if limit < 1 || limit > MaxListLimit {
		return ErrLimit
	}
	return nil
}

// Span gives how many bytes a read from offset of length (to the end when
// negative) yields of an object of the given size, or ErrRange.
func Span(size, offset, length int64) (int64, error) {
	if offset < 0 || offset > size || (offset == size && size > 0) {
		return 0, ErrRange
	}
	if left := size - offset; length < 0 || length > left {
		return left, nil
	}
	return length, nil
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
