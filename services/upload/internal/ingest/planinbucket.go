package ingest

import (
	"bytes"
	"cmp"
	"context"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// What an original that came through a session of the bucket's says of itself
// besides: what was planned.
const (
	metaSize   = "planned_size"
	metaSHA256 = "planned_sha256"
)

// openingAtOnce is how many calls to the bucket a plan makes at a time: a
// thousand sessions take seconds then, and the bucket takes no notice.
const openingAtOnce = 16

// giveBackTimeout bounds what is done for a plan that has failed.
const giveBackTimeout = 10 * time.Second

// planInBucket opens sessions that the bucket serves itself. Nobody but the
// bucket knows how many of an owner's there are, so each is noted in it first,
// by an object that its listing alone tells all of; only then are they counted.
// Of two plans at one time, in one process or two, at least the later one sees
// both, so that together they never have more than is allowed.
func (s *Service) planInBucket(ctx context.Context, owner identity.Owner, files []Planned, origin string) ([]Opened, error) {
	left, err := s.quotaInBucket(ctx, owner, nil)
	if err != nil {
		return nil, err
	}
	files = slices.Clone(files) // admitting changes them
	out, err := s.admitAll(ctx, owner, files)
	if err != nil {
		return nil, err
	}
	var wanted []*opening
	for i, f := range files {
		if out[i].Err != nil || out[i].Known != "" {
			continue
		}
		if out[i].Err = left.take(f, s.cfg.FileBytes); out[i].Err == nil {
			wanted = append(wanted, &opening{note: s.newNote(owner, f), planned: f, out: &out[i]})
		}
	}
	if err := s.openInBucket(ctx, owner, wanted, origin); err != nil {
		s.giveBack(ctx, wanted)
		return nil, err
	}
	return out, tooMany(out)
}

// admitAll judges every file, several at a time.
func (s *Service) admitAll(ctx context.Context, owner identity.Owner, files []Planned) ([]Opened, error) {
	out := make([]Opened, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(openingAtOnce)
	for i := range files {
		group.Go(func() (err error) {
			out[i], err = s.admit(ctx, owner, &files[i])
			return err
		})
	}
	return out, group.Wait()
}

// opening is a session that is being opened.
type opening struct {
	note    note
	planned Planned
	out     *Opened
}

func (s *Service) openInBucket(ctx context.Context, owner identity.Owner, wanted []*opening, origin string) error {
	if err := atOnce(ctx, wanted, s.reserve); err != nil {
		return err
	}
	own := map[string]bool{}
	for _, o := range wanted {
		own[o.note.ID] = true
	}
	left, err := s.quotaInBucket(ctx, owner, own)
	if err != nil {
		return err
	}
	var taken, beyond []*opening
	for _, o := range wanted {
		if o.out.Err = left.take(o.planned, s.cfg.FileBytes); o.out.Err == nil {
			taken = append(taken, o)
		} else {
			beyond = append(beyond, o)
		}
	}
	s.giveBack(ctx, beyond)
	return atOnce(ctx, taken, func(ctx context.Context, o *opening) error { return s.openOne(ctx, o, origin) })
}

func atOnce(ctx context.Context, all []*opening, do func(context.Context, *opening) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(openingAtOnce)
	for _, o := range all {
		group.Go(func() error { return do(ctx, o) })
	}
	return fault.Wrap("ingest.Plan", group.Wait())
}

// openOne opens the session itself, for an original that says what was planned:
// nothing else will be known of it when it arrives.
func (s *Service) openOne(ctx context.Context, o *opening, origin string) error {
	n := o.note
	original := n.original(expectedKind(o.planned))
	say := n.said()
	say.trace = s.ports.Trace.Planned(ctx)
	opts := writeOptions(original, n.Owner, say)
	opts.Size, opts.Metadata[metaSize] = n.Size, strconv.FormatInt(n.Size, 10)
	if n.SHA256 != "" {
		opts.Metadata[metaSHA256] = n.SHA256
	}
	opened, err := s.ports.Sessions.OpenSession(ctx, original.Key, blob.SessionOptions{WriteOptions: opts, Origin: origin})
	if err != nil {
		return fault.Wrap("ingest.Plan", err)
	}
	o.out.ID, o.out.URL, o.out.ExpiresAt = n.ID, opened.URL, n.ExpiresAt
	if opened.ExpiresAt.Before(n.ExpiresAt) {
		o.out.ExpiresAt = opened.ExpiresAt
	}
	return nil
}

// unknownKind is the key's and the object's where nothing is known; the content
// decides when it is there.
var unknownKind = kind{blob.DefaultContentType, ".bin"}

// expectedKind is what a file probably is, by what the client says of it.
func expectedKind(f Planned) kind {
	extension := strings.ToLower(path.Ext(f.Name))
	if extension == ".jpeg" {
		extension = ".jpg"
	}
	found := unknownKind
	for _, k := range kinds {
		if k.contentType == f.ContentType {
			return k.kind
		}
		if k.extension == extension {
			found = k.kind
		}
	}
	return found
}

// reserve notes a session that is to be opened.
func (s *Service) reserve(ctx context.Context, o *opening) error {
	raw, err := o.note.encode()
	if err != nil {
		return err
	}
	_, err = s.ports.Blob.Put(ctx, reservationKey(o.note), bytes.NewReader(raw),
		blob.WriteOptions{ContentType: "application/json", IfNotExists: true, Size: int64(len(raw))})
	return fault.Wrap("ingest.reserve", err)
}

// giveBack removes the notes of sessions that will not be opened. What is left
// of them counts until it expires.
func (s *Service) giveBack(ctx context.Context, all []*opening) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	err := atOnce(ctx, all, func(ctx context.Context, o *opening) error {
		return s.ports.Blob.Delete(ctx, reservationKey(o.note))
	})
	if err != nil {
		s.ports.Log.WarnContext(ctx, "a session that was not opened is still counted", "err", err)
	}
}

// quotaInBucket is what an owner may still open, besides the sessions except.
func (s *Service) quotaInBucket(ctx context.Context, owner identity.Owner, except map[string]bool) (quota, error) {
	left, now := quota{s.cfg.OpenSessions, s.cfg.OpenBytes}, s.ports.Now()
	err := blob.Each(ctx, s.ports.Blob, prefixReserved+string(owner)+"/", func(info blob.Info) error {
		if r, ok := parseReservation(info); ok && !except[r.id] && now.Before(r.expiresAt(s.cfg)) {
			left.sessions--
			left.bytes -= r.size
		}
		return nil
	})
	return left, fault.Wrap("ingest.Plan", err)
}

// The notes of sessions in the bucket: one for each that is open, by owner, with
// its size in the name, and of a companion its image's id; and what came of a
// file, until it is forgotten.
const (
	prefixReserved  = contract.PrefixSessions + "open/"
	prefixConcluded = contract.PrefixSessions + "done/"
)

func reservationKey(n note) string {
	key := reservationPrefix(n.Owner, n.ID) + strconv.FormatInt(n.Size, 10)
	if n.CompanionOf != "" {
		key += "." + n.CompanionOf
	}
	return key
}

func reservationPrefix(owner identity.Owner, id string) string {
	return prefixReserved + string(owner) + "/" + id + "."
}

func conclusionKey(owner identity.Owner, id string) string {
	return prefixConcluded + string(owner) + "/" + id
}

// reservation is what a listing tells of an open session.
type reservation struct {
	key   string
	owner identity.Owner
	id    string
	size  int64

	companionOf string // the image that the file is the film of; "" for an image
}

func parseReservation(info blob.Info) (reservation, bool) {
	owner, name, _ := strings.Cut(strings.TrimPrefix(info.Key, prefixReserved), "/")
	id, rest, _ := strings.Cut(name, ".")
	digits, of, film := strings.Cut(rest, ".")
	size, err := strconv.ParseInt(digits, 10, 64)
	return reservation{info.Key, identity.Owner(owner), id, size, of}, err == nil && identity.ValidImageID(id) && film == (of != "")
}

// expiresAt follows from the id, which tells when the session was opened.
func (r reservation) expiresAt(c Config) time.Time {
	return identity.ImageTime(r.id).Add(c.SessionLife)
}

// sizeAsPlanned: an original that came through a session of the bucket's has the
// size that was counted for it.
func sizeAsPlanned(info blob.Info) bool {
	planned := info.Metadata[metaSize]
	return planned == "" || planned == strconv.FormatInt(info.Size, 10)
}

// asPlanned refuses an original that is another file than was planned.
func asPlanned(o loaded) error {
	want := o.info.Metadata[metaSHA256]
	if !sizeAsPlanned(o.info) || cmp.Or(want, o.sha256) != o.sha256 {
		return &Refused{Reason: errOtherSHA256}
	}
	return nil
}
