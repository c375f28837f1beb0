package ingest

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// pieceBytes is how much arrives before it is made durable: what a crash costs
// of a chunk that is larger.
const pieceBytes = 8 << 20

// The refusals of a session.
var (
	errNoSession   = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")
	errExpired     = fault.New(fault.Gone, "upload_expired", "This upload was not finished in time. Please add the file again.")
	errOffset      = fault.New(fault.Conflict, "offset_mismatch", "The bytes do not begin where the upload has come to. Please go on from there.")
	errOverrun     = fault.New(fault.TooLarge, "upload_length_exceeded", "More bytes were sent than the file was said to have.")
	errTotal       = fault.New(fault.Invalid, "upload_length_invalid", "The size of the file is not the one that was planned.")
	errChunk       = fault.New(fault.Invalid, "chunk_size_invalid", "Every chunk but the last must be a multiple of 256 KiB long.")
	errEmptyChunk  = fault.New(fault.Invalid, "chunk_empty", "The chunk has no bytes.")
	errShortChunk  = fault.New(fault.Invalid, "body_incomplete", "The connection ended before the whole chunk had arrived. Please go on from where the upload has come to.")
	errFinished    = fault.New(fault.Conflict, "upload_finished", "The file has arrived already.")
	errUnfinished  = fault.New(fault.Conflict, "upload_incomplete", "The file has not arrived as a whole yet. Please send the rest of it.")
	errOtherSHA256 = fault.New(fault.Unprocessable, "checksum_mismatch", "The file that arrived is not the one that was planned. Please add it again.")
)

// Unknown is a size that a client does not say.
const Unknown = -1

// Chunk is what a client sends through a session: the bytes of the file from
// From on, before To.
type Chunk struct {
	From, To int64
	Total    int64 // of the file, or Unknown
	Body     io.Reader
}

// Progress is how far a session has come.
type Progress struct {
	Offset  int64    // durable bytes
	Outcome *Outcome // of the file, when it is whole
	Before  bool     // and was told before
}

// Send adds a chunk and, when it is the last, takes the file in as Store and
// Process do. The file is recognised by its first bytes, before the others are
// read. Once the file is whole every call gives the same outcome. With an error
// of a session that is there, Progress tells what is durable.
//
// Of two chunks at one offset one is taken; the other is upload_locked or
// offset_mismatch. One that has been silent for half a second makes room for the
// next: its client may be gone, or be the one that sends the next.
func (s *Service) Send(ctx context.Context, owner identity.Owner, session string, c Chunk) (Progress, error) {
	return s.withSession(ctx, owner, session, c.Total, func(t *taking) error { return t.take(ctx, c) })
}

// Ask tells how far a session has come; total is the file's size, or Unknown.
// If all bytes are there and the file was not taken in, for the process had
// ended, it is now.
func (s *Service) Ask(ctx context.Context, owner identity.Owner, session string, total int64) (Progress, error) {
	if _, _, err := s.ownPartial(ctx, owner, session); err != nil {
		return Progress{}, err
	}
	s.senders.overtake(ctx, session) // what it has brought counts
	p, n, err := s.ownPartial(ctx, owner, session)
	if err == nil && n.open() && p.Offset < n.Size && s.ports.Now().Before(n.ExpiresAt) {
		return Progress{Offset: p.Offset}, checkTotal(n, total) // also while a chunk arrives
	}
	return s.withSession(ctx, owner, session, total, func(*taking) error { return nil })
}

// Cancel ends a session and gives its bytes up. For a session of the bucket's,
// which the client has ended there, session is the image's id: then it is not
// counted any more.
func (s *Service) Cancel(ctx context.Context, owner identity.Owner, session string) error {
	if s.ports.Sessions != nil && identity.ValidImageID(session) {
		return s.cancelInBucket(ctx, owner, session)
	}
	if _, _, err := s.ownPartial(ctx, owner, session); err != nil {
		return err
	}
	h, err := s.hold(ctx, session)
	if err != nil {
		return sessionError(err)
	}
	defer h.Release()
	n, err := readNote(h.Partial().Note)
	switch {
	case err != nil:
		return err
	case n.Kept != nil:
		return errFinished
	default:
		return fault.Wrap("ingest.Cancel", h.Remove(context.WithoutCancel(ctx)))
	}
}

// sessionError answers for a session that was removed meanwhile.
func sessionError(err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return errNoSession
	}
	return fault.Wrap("ingest.session", err)
}

func checkTotal(n note, total int64) error {
	if total != Unknown && total != n.Size {
		return errTotal
	}
	return nil
}

// withSession holds an owner's session while do changes it, and takes the file
// in when it is whole.
func (s *Service) withSession(ctx context.Context, owner identity.Owner, session string, total int64, do func(*taking) error) (Progress, error) {
	seen, _, err := s.ownPartial(ctx, owner, session)
	if err != nil {
		return Progress{}, err
	}
	h, err := s.hold(ctx, session)
	if err != nil {
		return Progress{Offset: seen.Offset}, sessionError(err)
	}
	t := &taking{service: s, held: h, sender: s.senders.add(session)}
	defer s.senders.remove(session, t.sender)
	defer h.Release()
	if t.note, err = readNote(h.Partial().Note); err != nil {
		return Progress{}, err
	}
	if !t.note.open() && !t.note.Expired {
		out := t.note.outcome()
		return Progress{Offset: t.note.Size, Outcome: &out, Before: true}, nil
	}
	if t.note.Expired || !s.ports.Now().Before(t.note.ExpiresAt) {
		return Progress{}, errExpired
	}
	if err = checkTotal(t.note, total); err == nil {
		err = do(t)
	}
	return t.finish(ctx, err)
}

// taking is a session in one caller's hands.
type taking struct {
	service *Service
	held    blob.HeldPartial
	sender  *sender
	note    note
	whole   bool // all bytes are there
	outcome *Outcome
}

// finish takes the file in if it is whole, and says how far it has come.
func (t *taking) finish(ctx context.Context, err error) (Progress, error) {
	if err == nil && t.outcome == nil && (t.whole || t.held.Partial().Offset == t.note.Size) {
		err = t.complete(ctx)
	}
	p := Progress{Offset: t.held.Partial().Offset, Outcome: t.outcome}
	if p.Outcome != nil {
		p.Offset = t.note.Size
	}
	return p, err
}

// take adds a chunk, piece by piece.
func (t *taking) take(ctx context.Context, c Chunk) error {
	if err := t.check(c); err != nil {
		return err
	}
	arriving := t.sender.arriving(c.Body)
	defer func() { _ = arriving.Close() }()
	body := bufio.NewReaderSize(arriving, sniffBytes)
	if c.From == 0 {
		if err := t.sniff(ctx, body); err != nil || t.outcome != nil {
			return err
		}
	}
	for at := c.From; at < c.To; {
		end := min(at+pieceBytes, c.To)
		piece := endsEarly{&io.LimitedReader{R: body, N: end - at}}
		var err error
		if t.whole = end == t.note.Size && t.service.keeps(); t.whole {
			at, err = t.held.Finish(ctx, piece)
		} else {
			at, err = t.held.Append(ctx, piece)
		}
		if err != nil {
			return fault.Wrap("ingest.Send", err)
		}
	}
	if _, err := body.Peek(1); err == nil {
		return errOverrun // what was made durable of the chunk is kept
	}
	return nil
}

// keeps reports whether what arrives in pieces becomes an original where it is.
func (s *Service) keeps() bool { return s.ports.Partials.Keeps(s.ports.Blob) }

// endsEarly fails where a piece ends before its length.
type endsEarly struct{ piece *io.LimitedReader }

func (e endsEarly) Read(p []byte) (int, error) {
	n, err := e.piece.Read(p)
	if err == io.EOF && e.piece.N > 0 {
		err = errShortChunk
	}
	return n, err
}

func (t *taking) check(c Chunk) error {
	switch {
	case c.To > t.note.Size:
		return errOverrun
	case c.From != t.held.Partial().Offset:
		return errOffset
	case c.To <= c.From:
		return errEmptyChunk
	case c.To < t.note.Size && (c.To-c.From)%blob.PartialStep != 0:
		return errChunk
	default:
		return nil
	}
}

// sniff ends the session of what is not what was planned, as soon as that can be seen.
func (t *taking) sniff(ctx context.Context, body *bufio.Reader) error {
	want := min(sniffBytes, t.note.Size)
	head, err := body.Peek(int(want))
	if err != nil {
		return nil // Append says why
	}
	if _, err := t.note.sniff(head, want == t.note.Size); err != nil {
		return t.conclude(ctx, Outcome{Name: t.note.Name, Err: err})
	}
	return nil
}

// conclude makes an outcome the session's last word, and gives up the bytes.
func (t *taking) conclude(ctx context.Context, o Outcome) error {
	n, last := t.note.conclude(o)
	if !last {
		return o.Err
	}
	raw, err := n.encode()
	if err == nil {
		err = t.held.Empty(context.WithoutCancel(ctx), raw)
	}
	if err != nil {
		return fault.Wrap("ingest.conclude", err)
	}
	t.note, t.outcome = n, &o
	return nil
}
