package ingest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// complete takes a whole file in, whether or not the client still listens. It
// may have been begun before: the image's id is the plan's, so that it is stored
// once.
func (t *taking) complete(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	s := t.service
	o := Outcome{Name: t.note.Name}
	o.Original, o.Err = s.storePartial(ctx, t.held, t.note)
	if o.Err == nil {
		waiting, cancel := context.WithTimeout(ctx, s.cfg.AnswerWithin)
		defer cancel()
		s.await(waiting, &o)
	}
	return t.conclude(ctx, o)
}

// storePartial stores the bytes of a session under the id that was planned.
func (s *Service) storePartial(ctx context.Context, h blob.HeldPartial, n note) (Original, error) {
	file, err := h.Open(ctx)
	if err != nil {
		return Original{}, fault.Wrap("ingest.storePartial", err)
	}
	defer func() { _ = file.Close() }()
	body := newMeter(file, s.cfg.FileBytes)
	head, whole, err := peek(body)
	if err != nil {
		return Original{}, ourBytes(err)
	}
	k, err := n.sniff(head, whole)
	if err != nil {
		return Original{}, err
	}
	o := n.original(k)
	all := &verified{r: io.MultiReader(bytes.NewReader(head), body), meter: body, want: n}
	if err := s.putOnce(ctx, h, o, n, all, body); err != nil {
		return Original{}, ourBytes(err)
	}
	o.Size, o.SHA256 = body.size, body.sum()
	return o, nil
}

// putOnce stores the file unless it is there: stored by a process that ended
// before it could say so.
func (s *Service) putOnce(ctx context.Context, h blob.HeldPartial, o Original, n note, all io.Reader, body *meter) error {
	info, err := s.ports.Blob.Stat(ctx, o.Key)
	missing := errors.Is(err, blob.ErrNotFound)
	if err != nil && !missing {
		return fault.Wrap("ingest.putOnce", err)
	}
	if missing && !s.keeps() {
		return s.put(ctx, o, n.Owner, n.said(), all, body)
	}
	if _, err := io.CopyBuffer(onlyWriter{io.Discard}, all, make([]byte, readBytes)); err != nil {
		return err
	}
	if missing {
		s.fresh.addOriginal(o)
		say := n.said()
		say.trace = s.ports.Trace.Place(ctx)
		info, err = h.Keep(ctx, o.Key, body.crc.Sum32(), writeOptions(o, n.Owner, say))
		return s.stored(ctx, o, body, info, err)
	}
	if !body.describes(info) && o.Companion() {
		return errHasCompanion
	}
	if !body.describes(info) {
		return errStoredWrong.With("ingest.putOnce", fmt.Errorf("%s is there and is another file", o.Key))
	}
	return nil
}

// readBytes is how much of a file is read at a time to hash it.
const readBytes = 256 << 10

// onlyWriter hides io.Discard's ReadFrom, whose pieces are small.
type onlyWriter struct{ io.Writer }

// ourBytes says that bytes which were received and cannot be read again are no
// fault of the client's.
func ourBytes(err error) error {
	if errors.Is(err, errOtherSHA256) {
		return errOtherSHA256.With("ingest.storePartial", err)
	}
	if cut := (*BodyError)(nil); errors.As(err, &cut) {
		return fault.As(fault.Unavailable, "ingest.storePartial", err)
	}
	return err
}

// verified ends with an error instead of the end of a file that is not the one
// that was planned, so that nothing of it is stored.
type verified struct {
	r     io.Reader
	meter *meter
	want  note
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	if err == io.EOF && v.meter.size != v.want.Size {
		return n, io.ErrUnexpectedEOF
	}
	if err == io.EOF && v.want.SHA256 != "" && v.meter.sum() != v.want.SHA256 {
		return n, errOtherSHA256
	}
	return n, err
}

func (m *meter) sum() string { return hex.EncodeToString(m.sha.Sum(nil)) }

// sessions does for sessions what the rest of a sweep does for images: it takes
// in the files whose last byte came before the process ended, and gives up the
// bytes of sessions that have expired. What is left of a session is kept as long
// again, so that whoever comes late is told.
func (w *sweep) sessions(ctx context.Context) error {
	if w.ports.Partials == nil {
		return nil
	}
	all, err := w.ports.Partials.All(ctx)
	if err != nil {
		return fault.Wrap("ingest.Sweep", err)
	}
	for _, p := range all {
		n, err := readNote(p.Note)
		do := ""
		if err == nil {
			if do = w.due(p, n); do == "" {
				continue
			}
		}
		err = w.step(ctx, &w.done.Sessions, cmp.Or(do, "read session"), "of "+n.ID, func() error {
			return cmp.Or(err, w.session(ctx, p.ID))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// What there may be to do about a session.
const (
	finishSession = "finish session"
	giveSessionUp = "give session up"
	forgetSession = "forget session"
)

// due says what there is to do about a session; "" for nothing.
func (w *sweep) due(p blob.Partial, n note) string {
	switch {
	case n.open() && p.Offset == n.Size:
		return finishSession
	case w.past(n.ExpiresAt, w.cfg.SessionLife):
		return forgetSession
	case n.open() && w.past(n.ExpiresAt, 0):
		return giveSessionUp
	default:
		return ""
	}
}

func (w *sweep) session(ctx context.Context, id string) error {
	h, err := w.ports.Partials.Hold(ctx, id)
	if errors.Is(err, blob.ErrHeld) || errors.Is(err, blob.ErrNotFound) {
		return errPassed // at work, or gone
	}
	if err != nil {
		return fault.Wrap("ingest.Sweep", err)
	}
	defer h.Release()
	t := &taking{service: w.Service, held: h}
	if t.note, err = readNote(h.Partial().Note); err != nil {
		return err
	}
	switch w.due(h.Partial(), t.note) {
	case finishSession:
		return t.complete(ctx)
	case forgetSession:
		return h.Remove(ctx)
	case giveSessionUp:
		t.note.Expired = true
		raw, err := t.note.encode()
		if err != nil {
			return err
		}
		return h.Empty(ctx, raw)
	default:
		return nil
	}
}
