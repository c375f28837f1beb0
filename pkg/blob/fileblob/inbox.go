package fileblob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

const (
	inboxDir = "inbox"
	asideDir = "inbox-refused"
	// maxWatched bounds how many files are watched at one time; others wait for
	// their turn.
	maxWatched = 10_000
)

// Inbox is a folder beside the objects into which people and programs copy
// ordinary files:
//
//	inbox/<name>           as it was put there
//	inbox-refused/<name>   what was not taken
//
// Nobody says when such a file is whole. It counts as whole once its size and
// its times have stayed the same for blob.InboxSettle, from one look to another, by a
// clock that nobody sets. A copy that pauses for longer is taken half: as it
// goes on the file changes, is left, and is taken again. Files are moved and
// removed as they were when they were listed, or not at all, whoever puts another
// in their place at that moment.
type Inbox struct {
	store   *Store
	mu      sync.Mutex
	watched map[string]watched
}

// watched is what a file looked like, and since when.
type watched struct {
	print fingerprint
	since time.Time
}

// fingerprint changes when somebody writes to a file or puts another in its place.
type fingerprint struct {
	size             int64
	modified, change int64 // nanoseconds since 1970
}

var _ blob.Inbox = (*Inbox)(nil)

// Inbox makes the folder, and in it one for each of the names.
func (s *Store) Inbox(folders ...string) (*Inbox, error) {
	for _, name := range append([]string{"."}, folders...) {
		if err := s.folders.ensure(path.Join(inboxDir, name)); err != nil {
			return nil, classify("fileblob.Inbox", err)
		}
	}
	b := &Inbox{store: s, watched: map[string]watched{}}
	if err := b.putAllBack(); err != nil {
		s.opts.Log.Warn("files that were about to leave the inbox are still hidden there", "begins", leavingPrefix, "err", err)
	}
	return b, nil
}

// Waiting implements blob.Inbox.
func (b *Inbox) Waiting(ctx context.Context, after string, limit int) (found []blob.Info, young int, err error) {
	const op = "fileblob.Waiting"
	if err := blob.CheckLimit(limit); err != nil {
		return nil, 0, err
	}
	files, err := b.scan(ctx)
	if err != nil {
		return nil, 0, classify(op, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.watched {
		if _, there := files[name]; !there {
			delete(b.watched, name)
		}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch settled := b.settled(name, files[name]); {
		case !settled:
			young++
		case name > after && len(found) < limit:
			found = append(found, files[name].info(name))
		}
	}
	return found, young, nil
}

// settled watches a file, and reports whether it has been left alone for long
// enough.
func (b *Inbox) settled(name string, now fingerprint) bool {
	seen, known := b.watched[name]
	if known && seen.print == now {
		return time.Since(seen.since) >= blob.InboxSettle
	}
	if known || len(b.watched) < maxWatched {
		b.watched[name] = watched{now, time.Now()}
	}
	return false
}

// scan describes every file that may be taken. A folder that cannot be read
// keeps none of the others from it.
func (b *Inbox) scan(ctx context.Context) (map[string]fingerprint, error) {
	files := map[string]fingerprint{}
	err := fs.WalkDir(b.store.root.FS(), inboxDir, func(at string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil && at == inboxDir {
			return err
		}
		if err != nil {
			b.store.opts.Log.WarnContext(ctx, "a folder of the inbox cannot be read", "folder", at, "err", err)
			return cmp.Or(ctx.Err(), fs.SkipDir)
		}
		name := strings.TrimPrefix(at, inboxDir+"/")
		if at != inboxDir && entry.IsDir() && !blob.CheckInboxName(name) {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || !blob.CheckInboxName(name) {
			return ctx.Err()
		}
		if stat, err := entry.Info(); err == nil {
			files[name] = printOf(stat)
		}
		return ctx.Err()
	})
	return files, err
}

func printOf(stat fs.FileInfo) fingerprint {
	return fingerprint{size: stat.Size(), modified: stat.ModTime().UnixNano(), change: changedAt(stat).UnixNano()}
}

// info describes a file. It came when it was last changed; what it was copied
// from may be older.
func (p fingerprint) info(name string) blob.Info {
	return blob.Info{
		Key: name, Size: p.size, Generation: max(p.change, 1), CreatedAt: time.Unix(0, p.change).UTC(),
		Metadata: map[string]string{blob.InboxModified: time.Unix(0, p.modified).UTC().Format(time.RFC3339Nano)},
	}
}

// Look implements blob.Inbox.
func (b *Inbox) Look(_ context.Context, name string) (blob.Info, error) {
	if !blob.CheckInboxName(name) {
		return blob.Info{}, blob.ErrNotFound
	}
	stat, err := b.store.root.Lstat(path.Join(inboxDir, name))
	if err == nil && !stat.Mode().IsRegular() {
		err = blob.ErrNotFound
	}
	if err != nil {
		return blob.Info{}, classify("fileblob.Look", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.settled(name, printOf(stat)) {
		return blob.Info{}, blob.ErrNotFound
	}
	return printOf(stat).info(name), nil
}

// Open implements blob.Inbox. The reader ends with blob.ErrChanged in the place
// of io.EOF if the file has changed meanwhile.
func (b *Inbox) Open(ctx context.Context, file blob.Info) (io.ReadCloser, error) {
	const op = "fileblob.OpenInbox"
	if err := ctx.Err(); err != nil {
		return nil, classify(op, err)
	}
	name := path.Join(inboxDir, file.Key)
	if stat, err := b.store.root.Lstat(name); err != nil {
		return nil, classify(op, err)
	} else if !stat.Mode().IsRegular() {
		return nil, blob.ErrNotFound // a named pipe would block
	}
	f, err := b.store.root.Open(name)
	if err != nil {
		return nil, classify(op, err)
	}
	r := &inboxReader{file: f, want: file}
	if err := r.check(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

// inboxReader reads a file that somebody else may be writing.
type inboxReader struct {
	file *os.File
	want blob.Info
}

func (r *inboxReader) check() error {
	stat, err := r.file.Stat()
	if err != nil {
		return classify("fileblob.ReadInbox", err)
	}
	if p := printOf(stat); p.size != r.want.Size || p.info("").Generation != r.want.Generation {
		return blob.ErrChanged
	}
	return nil
}

// Read returns io.EOF itself.
func (r *inboxReader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	if err == io.EOF {
		if changed := r.check(); changed != nil {
			return n, changed
		}
		return n, err
	}
	return n, classify("fileblob.ReadInbox", err)
}

func (r *inboxReader) Close() error { return classify("fileblob.CloseInbox", r.file.Close()) }

// Take implements blob.Inbox.
func (b *Inbox) Take(ctx context.Context, file blob.Info, key string, opts blob.WriteOptions) (blob.Info, error) {
	r, err := b.Open(ctx, file)
	if err != nil {
		return blob.Info{}, err
	}
	defer func() { _ = r.Close() }()
	opts.IfNotExists, opts.Size = true, file.Size
	return b.store.Put(ctx, key, r, opts)
}

// Remove implements blob.Inbox.
func (b *Inbox) Remove(ctx context.Context, file blob.Info) error {
	const op = "fileblob.RemoveInbox"
	at, err := b.leave(ctx, file)
	if err != nil || at == "" {
		return classify(op, err)
	}
	folder := path.Dir(at)
	if err := errors.Join(b.store.disk.remove(at), b.store.disk.remove(folder)); err != nil {
		return classify(op, err)
	}
	return classify(op, b.store.disk.syncDir(path.Dir(folder)))
}

// Refuse implements blob.Inbox. A file of the name that lies there already is
// kept too.
func (b *Inbox) Refuse(ctx context.Context, file blob.Info) error {
	const op = "fileblob.Refuse"
	at, err := b.leave(ctx, file)
	if err != nil || at == "" {
		return classify(op, err)
	}
	to := path.Join(asideDir, file.Key)
	if _, err := b.store.root.Lstat(to); err == nil {
		to = path.Join(asideDir, fmt.Sprint(file.Generation), file.Key)
	}
	err = b.store.folders.ensure(path.Dir(to))
	if err == nil {
		err = b.store.disk.rename(at, to)
	}
	if err != nil {
		return classify(op, errors.Join(err, b.putBack(at)))
	}
	folder := path.Dir(at)
	return classify(op, errors.Join(b.store.disk.syncDir(path.Dir(to)), b.store.disk.remove(folder), b.store.disk.syncDir(path.Dir(folder))))
}
