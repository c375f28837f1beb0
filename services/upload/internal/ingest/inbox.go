package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
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

var errNoOwner = fault.New(fault.Invalid, "inbox_unowned", "A file of the inbox must lie in a folder that has its owner's name.")

// TakeInbox takes in what waits in the inbox, some files at a time.
func (s *Service) TakeInbox(ctx context.Context) (Swept, error) {
	w := &sweep{Service: s, order: Order{Now: s.ports.Now()}}
	err := w.inbox(ctx)
	return w.done, err
}

// inbox takes in every file of the inbox.
func (w *sweep) inbox(ctx context.Context) error {
	for {
		page, young, err := w.ports.Inbox.Waiting(ctx, w.at.after, blob.MaxListLimit)
		if err != nil {
			return fault.Wrap("ingest.inbox", err)
		}
		last := ""
		if len(page) > 0 {
			last = page[len(page)-1].Key
		}
		if err := w.takePage(ctx, page); err != nil {
			return err
		}
		w.at.after = max(w.at.after, last)
		if len(page) < blob.MaxListLimit {
			w.done.Young += young
			return nil
		}
	}
}

// takePage takes in several files at once. Those that may belong together, since
// their names do, come after each other: the pictures, then their films.
func (w *sweep) takePage(ctx context.Context, page []blob.Info) error {
	var stems []string
	together := map[string][]blob.Info{}
	for _, file := range page {
		stem := stemOf(file.Key)
		if together[stem] == nil {
			stems = append(stems, stem)
		}
		together[stem] = append(together[stem], file)
	}
	var group errgroup.Group
	group.SetLimit(w.atOnce())
	for _, stem := range stems {
		group.Go(func() error {
			for _, file := range slices.SortedStableFunc(slices.Values(together[stem]), filmsLast) {
				err := w.step(ctx, &w.done.Taken, "take in", contract.PrefixInbox+file.Key, func() error {
					return w.takeFile(ctx, file)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// takeNamed takes in a file of the inbox that the bucket says is there. One that
// waits for another is done with.
func (s *Service) takeNamed(ctx context.Context, name string) error {
	file, err := s.ports.Inbox.Look(ctx, name)
	if errors.Is(err, blob.ErrNotFound) {
		return nil // taken, or none that is
	}
	if err != nil {
		return fault.Wrap("ingest.inbox", err)
	}
	if err = s.takeFile(ctx, file); errors.Is(err, errWaits) {
		return nil
	}
	return err
}

// takeFile makes an image of a file of the inbox. Its id follows from the file,
// so that whoever does this again, or at the same time, makes the same one. The
// file goes when its manifest is there; what is refused is moved aside.
func (s *Service) takeFile(ctx context.Context, file blob.Info) error {
	f, err := describeFile(file)
	if err == nil {
		err = s.makeOfFile(ctx, file, f)
	}
	if err == nil && !isFilmName(file.Key) {
		err = s.takeBeside(ctx, file, f)
	}
	switch refused := (*Refused)(nil); {
	case err == nil:
		return s.emptied(ctx, file)
	case errors.Is(err, errWaits):
		s.sayWaits(ctx, file)
		return err
	case errors.Is(err, blob.ErrNotFound):
		return nil // somebody else was faster
	case errors.As(err, &refused) && refused.Unfinished != nil:
		return refused.Unfinished
	case refused != nil:
		s.ports.Log.WarnContext(ctx, "a file of the inbox is moved aside: it is not taken", "file", file.Key, "code", fault.Public(refused.Reason).Code)
		return fault.Wrap("ingest.inbox", s.ports.Inbox.Refuse(ctx, file))
	default:
		return err
	}
}

func (s *Service) makeOfFile(ctx context.Context, file blob.Info, f inboxFile) error {
	if isFilmName(file.Key) {
		return s.takeFilm(ctx, file, f)
	}
	_, err := s.readManifest(ctx, f.id)
	if !errors.Is(err, blob.ErrNotFound) {
		return err // or it is made
	}
	k, err := s.sniffFileAs(ctx, file, sniff)
	if err != nil {
		return err
	}
	return s.takeOriginal(ctx, file, f, k)
}

func (s *Service) emptied(ctx context.Context, file blob.Info) error {
	return fault.Wrap("ingest.inbox", s.ports.Inbox.Remove(ctx, file))
}

// inboxFile is what the place of a file says of it.
type inboxFile struct {
	id       string
	owner    identity.Owner
	name     string
	album    string // the names of the folders, joined by '/'
	modified *time.Time
}

func describeFile(file blob.Info) (inboxFile, error) {
	first, rest, _ := strings.Cut(file.Key, "/")
	owner, ok := identity.ParseOwner(first)
	if !ok || rest == "" {
		return inboxFile{}, &Refused{Reason: errNoOwner}
	}
	f := inboxFile{owner: owner, name: CleanName(path.Base(rest)), modified: fileTime(file.Metadata)}
	f.id = identity.DerivedImageID(file.CreatedAt, fmt.Sprintf("%s\n%d\n%d", file.Key, file.Generation, file.Size))
	if folders := path.Dir(rest); folders != "." {
		var names []string
		for name := range strings.SplitSeq(folders, "/") {
			names = append(names, CleanName(name))
		}
		f.album = strings.Join(names, "/")
	}
	return f, nil
}

// fileTime is a file's own date, as its inbox says it, or as Google's tools
// write it.
func fileTime(metadata map[string]string) *time.Time {
	at, err := time.Parse(time.RFC3339Nano, metadata[blob.InboxModified])
	if err != nil {
		seconds, err := strconv.ParseInt(metadata["goog-reserved-file-mtime"], 10, 64)
		if err != nil {
			return nil
		}
		at = time.Unix(seconds, 0)
	}
	at = at.UTC()
	return &at
}

// sniffFileAs recognises a file by its beginning.
func (s *Service) sniffFileAs(ctx context.Context, file blob.Info, as func(head []byte, whole bool) (kind, error)) (kind, error) {
	if file.Size > s.cfg.FileBytes {
		return kind{}, &Refused{Reason: errTooLarge(s.cfg.FileBytes)}
	}
	r, err := s.ports.Inbox.Open(ctx, file)
	if err != nil {
		return kind{}, fault.Wrap("ingest.inbox", err)
	}
	defer func() { _ = r.Close() }()
	head := make([]byte, min(sniffBytes, file.Size))
	if _, err := io.ReadFull(r, head); err != nil {
		return kind{}, asUnavailable(err)
	}
	k, err := as(head, file.Size <= sniffBytes)
	if err != nil {
		return k, &Refused{Reason: err}
	}
	return k, nil
}

// takeOriginal makes the file an original and processes it.
func (s *Service) takeOriginal(ctx context.Context, file blob.Info, f inboxFile, k kind) error {
	o := newOriginal(f.id, f.name, k)
	o.Album = contract.CleanAlbum(f.album)
	return s.takeAs(ctx, file, o, f)
}

// takeAs copies the file to its place and processes it.
func (s *Service) takeAs(ctx context.Context, file blob.Info, o Original, f inboxFile) error {
	if f.modified == nil { // a listing may leave it out
		if full, err := s.ports.Inbox.Look(ctx, file.Key); err == nil {
			f.modified = fileTime(full.Metadata)
		}
	}
	opts := writeOptions(o, f.owner, said{modified: f.modified})
	s.fresh.addOriginal(o)
	info, err := s.ports.Inbox.Take(ctx, file, o.Key, opts)
	if errors.Is(err, blob.ErrExists) { // taken before, by whoever ended then
		s.fresh.take(f.id)
		info, err = s.ports.Blob.Stat(ctx, o.Key)
	}
	if err == nil && o.Companion() && info.Metadata[metaCompanion] != o.companion {
		return errWaits // another film came to that place meanwhile; the next look finds another one
	}
	if err == nil && info.Size != file.Size {
		err = errors.Join(errStoredWrong, s.ports.Blob.Delete(ctx, o.Key))
	}
	if err != nil {
		return fault.Wrap("ingest.inbox", err)
	}
	_, err = s.Process(ctx, o.Key)
	return err
}
