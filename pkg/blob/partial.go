package blob

import (
	"context"
	"io"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// PartialStep is what a partial that is not whole grows by: the chunk size of
// Cloud Storage's resumable uploads.
// https://cloud.google.com/storage/docs/performing-resumable-uploads
const PartialStep = 256 << 10

// ErrHeld says that somebody else is writing to the partial at this moment.
var ErrHeld = fault.New(fault.Locked, "upload_locked", "Another request is sending this file at the moment. Please try again shortly.")

// Partial is what is durable of an object that arrives in pieces.
type Partial struct {
	ID     string
	Offset int64  // how many bytes are durable
	Note   []byte // its owner's; not to be changed
}

// Partials keeps objects that arrive in pieces until they are whole, out of
// sight of the Store. Ids are of 'A' to 'Z' and '2' to '7', up to 64 of them;
// any other is not found. Safe for concurrent use.
type Partials interface {
	// Begin makes an empty partial with a note, or is ErrExists. It survives the
	// end of the process from now on, and that of the machine from the first
	// change on.
	Begin(ctx context.Context, id string, note []byte) error
	// Look describes a partial, or is ErrNotFound.
	Look(ctx context.Context, id string) (Partial, error)
	// All lists every partial in no particular order.
	All(ctx context.Context) ([]Partial, error)
	// Hold makes the caller the only one who may change a partial, until Release;
	// or is ErrNotFound or, at once, ErrHeld.
	Hold(ctx context.Context, id string) (HeldPartial, error)
	// Keeps reports whether Keep makes objects of that store.
	Keeps(s Store) bool
}

// HeldPartial is a partial in the hands of one caller, for one goroutine. What
// a method that returns nil has done survives a crash of the process and of the
// machine.
type HeldPartial interface {
	// Partial describes it as it is now.
	Partial() Partial
	// Append adds what r yields until io.EOF and returns the new offset. When r
	// fails it keeps what came before as far as the offset is a multiple of
	// PartialStep, and r's error is in the returned error's chain. After any
	// other error nothing was added.
	Append(ctx context.Context, r io.Reader) (int64, error)
	// Finish adds the last bytes of the object and returns its length. Only Open
	// and Keep see them: they are durable when Keep has returned nil, and lost
	// with Release before that. When r fails it does what Append does.
	Finish(ctx context.Context, r io.Reader) (int64, error)
	// Open reads all its bytes.
	Open(ctx context.Context) (io.ReadCloser, error)
	// Keep makes all its bytes an object, as the store's Put with IfNotExists
	// does, but without copying them. crc32c is their checksum, as the caller
	// has just read them through Open. It leaves the partial as it is; only Keep
	// under the same key, Annotate, Empty and Remove may follow.
	Keep(ctx context.Context, key string, crc32c uint32, opts WriteOptions) (Info, error)
	// Annotate replaces the note.
	Annotate(ctx context.Context, note []byte) error
	// Empty replaces the note and gives the bytes up; the offset is 0 then. A loss
	// of power soon after may leave the partial as it was, or not there at all.
	Empty(ctx context.Context, note []byte) error
	// Remove removes the partial.
	Remove(ctx context.Context) error
	// Release lets others hold it. It must be called once.
	Release()
}
