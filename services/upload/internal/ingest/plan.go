package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// MaxPlan is the most files that one plan may have.
const MaxPlan = 1000

// The refusals of a plan. They tell a client what it can do about it before a
// byte is sent.
var (
	ErrTooManyUploads = fault.New(fault.RateLimited, "too_many_uploads",
		"Too many uploads are unfinished. Please finish or cancel some of them first.").RetryAfter(time.Minute)
	errQuota      = fault.New(fault.TooLarge, "quota_exceeded", "The unfinished uploads are larger together than is allowed. Please finish or cancel some of them first.")
	errLength     = fault.New(fault.Invalid, "upload_length_invalid", "The size of the file must be given in bytes, as a whole number greater than 0.")
	errChecksum   = fault.New(fault.Invalid, "sha256_invalid", "The SHA-256 of the file must be given as 64 lower-case hexadecimal digits.")
	errNoFiles    = fault.New(fault.Invalid, "no_files", "The plan has no files.")
	errTooMany    = fault.Newf(fault.TooLarge, "too_many_files", "A plan may have %d files at most.", MaxPlan)
	errNoSessions = fault.New(fault.Unsupported, "sessions_unsupported", "This gallery takes files whole. Please send them to /api/v1/images.")
)

func errTooLarge(limit int64) error {
	return fault.Newf(fault.TooLarge, "file_too_large", "The file is larger than the %d MiB that one file may have.", limit>>20)
}

// Planned is a file that a client wants to send in pieces.
type Planned struct {
	Name        string // as the client sent it; hostile
	Size        int64
	ContentType string // hearsay
	SHA256      string // lower-case hexadecimal, or "" where the client does not say
	ModifiedAt  *time.Time
	Album       string // names joined by '/', or ""
	CompanionOf string // the image that the file is the film of; "" for an image
	Given       Given
}

// Opened is the answer for one planned file: a session to send it through, or
// why not.
type Opened struct {
	ID        string // of the image to be
	Session   string // of ours, hard to guess; or
	URL       string // of the bucket's own session, as hard
	ExpiresAt time.Time
	Known     string // the image that has the film already, which need not be sent
	Err       error
}

// Plan opens a session for every file that can be taken, in the order given:
// one of ours, or one of the bucket's, to which a page of origin may send ("" for
// none). One file's refusal leaves the others alone; when not a single session
// can be opened because there are too many, that is the error.
func (s *Service) Plan(ctx context.Context, owner identity.Owner, files []Planned, origin string) ([]Opened, error) {
	switch {
	case s.ports.Partials == nil && s.ports.Sessions == nil:
		return nil, errNoSessions
	case len(files) == 0:
		return nil, errNoFiles
	case len(files) > MaxPlan:
		return nil, errTooMany
	case s.ports.Partials == nil:
		return s.planInBucket(ctx, owner, files, origin)
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	left, err := s.quota(ctx, owner)
	if err != nil {
		return nil, err
	}
	out := make([]Opened, len(files))
	for i, f := range files {
		if out[i], err = s.plan(ctx, owner, f, &left); err != nil {
			return nil, err
		}
	}
	return out, tooMany(out)
}

// tooMany is the error of a plan of which there were too many sessions for every
// file.
func tooMany(all []Opened) error {
	for _, o := range all {
		if !errors.Is(o.Err, ErrTooManyUploads) {
			return nil
		}
	}
	return ErrTooManyUploads
}

// quota is what an owner may still open.
type quota struct {
	sessions int
	bytes    int64
}

func (s *Service) quota(ctx context.Context, owner identity.Owner) (quota, error) {
	left := quota{s.cfg.OpenSessions, s.cfg.OpenBytes}
	all, err := s.ports.Partials.All(ctx)
	if err != nil {
		return left, fault.Wrap("ingest.Plan", err)
	}
	now := s.ports.Now()
	for _, p := range all {
		n, err := readNote(p.Note)
		if err != nil {
			continue // of a later version; the sweep says so
		}
		if n.Owner == owner && n.open() && now.Before(n.ExpiresAt) {
			left.sessions--
			left.bytes -= n.Size
		}
	}
	return left, nil
}

// take refuses what cannot be taken, or counts it.
func (q *quota) take(f Planned, limit int64) error {
	switch {
	case f.Size <= 0:
		return errLength
	case f.Size > limit:
		return errTooLarge(limit)
	case f.SHA256 != "" && !validSHA256(f.SHA256):
		return errChecksum
	case q.sessions <= 0:
		return ErrTooManyUploads
	case f.Size > q.bytes:
		return errQuota
	}
	q.sessions--
	q.bytes -= f.Size
	return nil
}

func validSHA256(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// plan opens one session. Its error is the store's; a refusal is in the answer.
func (s *Service) plan(ctx context.Context, owner identity.Owner, f Planned, left *quota) (Opened, error) {
	if o, err := s.admit(ctx, owner, &f); err != nil || o.Err != nil || o.Known != "" {
		return o, err
	}
	if err := left.take(f, s.cfg.FileBytes); err != nil {
		return Opened{Err: err}, nil
	}
	n := s.newNote(owner, f)
	raw, err := n.encode()
	if err != nil {
		return Opened{}, err
	}
	session := rand.Text()
	if err := s.ports.Partials.Begin(ctx, session, raw); err != nil {
		return Opened{}, fault.Wrap("ingest.Plan", err)
	}
	return Opened{ID: n.ID, Session: session, ExpiresAt: n.ExpiresAt}, nil
}

// newNote is what is noted of a planned file.
func (s *Service) newNote(owner identity.Owner, f Planned) note {
	now := s.ports.Now().UTC()
	return note{
		Owner: owner, ID: identity.NewImageID(now), Name: CleanName(f.Name), Size: f.Size, SHA256: f.SHA256,
		ModifiedAt: f.ModifiedAt, Album: contract.CleanAlbum(f.Album), CompanionOf: f.CompanionOf,
		Given: f.Given.clean(now), ExpiresAt: now.Add(s.cfg.SessionLife),
	}
}

// ownPartial looks a session up. Somebody else's is not found, in the same words.
func (s *Service) ownPartial(ctx context.Context, owner identity.Owner, session string) (blob.Partial, note, error) {
	if s.ports.Partials == nil {
		return blob.Partial{}, note{}, errNoSession
	}
	p, err := s.ports.Partials.Look(ctx, session)
	if err != nil {
		return p, note{}, sessionError(err)
	}
	n, err := readNote(p.Note)
	switch {
	case err != nil:
		return p, n, err
	case n.Owner != owner:
		return p, n, errNoSession
	default:
		return p, n, nil
	}
}
