package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// ErrChanged says that a file of an inbox is not what it was when it was listed.
var ErrChanged = fault.New(fault.Unavailable, "inbox_file_changed", "The file is being changed by somebody else.")

// InboxSettle is how long a file of a folder must have been left alone to count
// as whole. In a bucket every object is.
const InboxSettle = 10 * time.Second

// InboxModified is the name of the metadata by which an inbox may say a file's
// own date, as RFC 3339.
const InboxModified = "modified_at"

// Inbox is a place where other tools put files to be taken in: a part of a
// bucket, or a folder. What it says of a file is an Info, whose Key is the
// file's name below the inbox, and whose Generation is another when the file is
// put there again. Names that are no keys, and those that begin with a dot in
// any part, are not listed. Safe for concurrent use.
type Inbox interface {
	// Waiting lists up to limit (1..MaxListLimit) files that are there whole, in
	// byte order of the names, after one. young counts files that may still be
	// written, and are listed later.
	Waiting(ctx context.Context, after string, limit int) (found []Info, young int, err error)
	// Look describes one file that is there whole, or is ErrNotFound.
	Look(ctx context.Context, name string) (Info, error)
	// Open reads a file, as it was listed or ErrChanged. The caller closes it.
	Open(ctx context.Context, file Info) (io.ReadCloser, error)
	// Take copies a file, as it was listed or ErrChanged, to a new object under
	// key. It is ErrExists where there is one.
	Take(ctx context.Context, file Info, key string, opts WriteOptions) (Info, error)
	// Remove deletes a file if it is as it was listed; otherwise it is left, and
	// that is no error.
	Remove(ctx context.Context, file Info) error
	// Refuse moves a file aside, out of the inbox, where it is kept for whoever
	// put it there. One that has changed is left, and that is no error.
	Refuse(ctx context.Context, file Info) error
}

// Copier is a Store that copies objects without their bytes passing through
// here.
type Copier interface {
	// Copy is a Put, with IfNotExists, of what the object from holds in the
	// generation that it says; ErrNotFound where that is gone.
	Copy(ctx context.Context, from Info, key string, opts WriteOptions) (Info, error)
}

// ConditionalDeleter is a Store that deletes an object in one generation only.
type ConditionalDeleter interface {
	// DeleteIf deletes the object in the generation that info says. One of another
	// is left, and that is no error.
	DeleteIf(ctx context.Context, info Info) error
}

// InboxOf is the inbox that the objects under a prefix of a store are; what is
// refused goes under another. Both end with a slash.
func InboxOf(s Store, prefix, aside string) Inbox { return storeInbox{s, prefix, aside} }

type storeInbox struct {
	store         Store
	prefix, aside string
}

// CheckInboxName reports whether a file of this name is to be taken in.
func CheckInboxName(name string) bool {
	return CheckKey(name) == nil && !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.")
}

// Waiting implements Inbox. An object is whole when it is there.
func (b storeInbox) Waiting(ctx context.Context, after string, limit int) (found []Info, _ int, err error) {
	if err := CheckLimit(limit); err != nil {
		return nil, 0, err
	}
	if after != "" {
		after = b.prefix + after
	}
	for len(found) < limit {
		page, err := b.store.List(ctx, b.prefix, after, limit)
		if err != nil {
			return nil, 0, err
		}
		for _, info := range page {
			after = info.Key
			if info.Key = strings.TrimPrefix(info.Key, b.prefix); CheckInboxName(info.Key) && len(found) < limit {
				found = append(found, info)
			}
		}
		if len(page) < limit {
			break
		}
	}
	return found, 0, nil
}

// Look implements Inbox.
func (b storeInbox) Look(ctx context.Context, name string) (Info, error) {
	if !CheckInboxName(name) {
		return Info{}, ErrNotFound
	}
	info, err := b.store.Stat(ctx, b.prefix+name)
	info.Key = name
	return info, err
}

// Open implements Inbox.
func (b storeInbox) Open(ctx context.Context, file Info) (io.ReadCloser, error) {
	r, info, err := b.store.Open(ctx, b.prefix+file.Key, 0, -1)
	if err == nil && info.Generation != file.Generation {
		_ = r.Close()
		return nil, ErrChanged
	}
	return r, err
}

// Take implements Inbox. A store that is asked for a generation which it has no
// more does not say whether it has another.
func (b storeInbox) Take(ctx context.Context, file Info, key string, opts WriteOptions) (Info, error) {
	file.Key = b.prefix + file.Key
	info, err := Copy(ctx, b.store, file, key, opts)
	if errors.Is(err, ErrNotFound) {
		if _, there := b.store.Stat(ctx, file.Key); there == nil {
			return Info{}, ErrChanged
		}
	}
	return info, err
}

// Remove implements Inbox. Where the store knows no condition, what is put there
// between the look and the deletion is deleted.
func (b storeInbox) Remove(ctx context.Context, file Info) error {
	info, err := b.store.Stat(ctx, b.prefix+file.Key)
	if errors.Is(err, ErrNotFound) || err == nil && info.Generation != file.Generation {
		return nil
	}
	if err != nil {
		return err
	}
	if d, ok := b.store.(ConditionalDeleter); ok {
		return d.DeleteIf(ctx, info)
	}
	return b.store.Delete(ctx, b.prefix+file.Key)
}

// Refuse implements Inbox.
func (b storeInbox) Refuse(ctx context.Context, file Info) error {
	info, err := b.Look(ctx, file.Key)
	if errors.Is(err, ErrNotFound) || err == nil && info.Generation != file.Generation {
		return nil
	}
	if err != nil {
		return err
	}
	to := fmt.Sprintf("%s%d/%s", b.aside, file.Generation, file.Key)
	kept, err := b.Take(ctx, file, to, WriteOptions{ContentType: info.ContentType, Metadata: info.Metadata})
	if errors.Is(err, ErrExists) {
		kept, err = b.store.Stat(ctx, to)
	}
	if err != nil {
		return err
	}
	if kept.Size != info.Size || kept.CRC32C != info.CRC32C {
		return ErrUnavailable.With("blob.Refuse", errors.Join(fmt.Errorf("%s is not what was moved there", to), b.store.Delete(ctx, to)))
	}
	return b.Remove(ctx, file)
}
