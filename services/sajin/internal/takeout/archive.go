package takeout

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
)

// The limits of an archive. Nothing is ever written to where its names say, and
// an archive within it is a file like others, which is no picture.
const (
	// MaxEntries is the most files and folders of one archive. Google's have some
	// ten thousand.
	MaxEntries = 1_000_000
	// MaxEntryBytes bounds what one file unpacks to.
	MaxEntryBytes = 4 << 30
	// MaxRatio is how many times larger than packed a file of more than
	// RatioFrom bytes may be; pictures hardly shrink.
	MaxRatio  = 200
	RatioFrom = 16 << 20
)

var (
	errNotZip    = errors.New("it is neither a folder nor a ZIP archive that can be read; TGZ exports must be unpacked first")
	errEntries   = fmt.Errorf("the archive has more than %d files", MaxEntries)
	errName      = errors.New("its name in the archive leads elsewhere")
	errEncrypted = errors.New("it is encrypted")
	errLarge     = fmt.Errorf("it is larger than %d GiB", MaxEntryBytes>>30)
	errRatio     = fmt.Errorf("it unpacks to more than %d times its size", MaxRatio)
	errDamaged   = fault.New(fault.Invalid, "archive_damaged", "The file cannot be unpacked: the archive is damaged, or packed in a way that is not known.")
)

// source lists the files of a folder or an archive.
func (f *finder) source(ctx context.Context, number int, name string) error {
	abs, info, err := folder.Locate(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return f.tree(ctx, number, abs, name)
	}
	archive, err := zip.OpenReader(abs)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // its entries are judged one by one
		return fmt.Errorf("cannot look at %s: %w (%w)", name, errNotZip, err)
	}
	f.export.closers = append(f.export.closers, archive)
	if len(archive.File) > MaxEntries {
		return fmt.Errorf("cannot look at %s: %w", name, errEntries)
	}
	for _, file := range archive.File {
		f.packed(packed{file, abs, info}, number, name)
	}
	return nil
}

// packed is a file in an archive.
type packed struct {
	*zip.File
	archive string
	info    fs.FileInfo
}

// packed takes a file of an archive, unless it is refused.
func (f *finder) packed(p packed, number int, shown string) {
	name := strings.ReplaceAll(p.Name, `\`, "/")
	shown += ": " + name
	if !p.Mode().IsRegular() || strings.HasSuffix(name, "/") || hidden(name) {
		return
	}
	if err := p.refused(name); err != nil {
		f.unread(shown, err)
		return
	}
	f.file(entry{
		source: number, path: name, key: fmt.Sprintf("%s\x00%s\x00%08x", p.archive, p.Name, p.CRC32), shown: shown, size: int64(p.UncompressedSize64), modified: p.Modified, //nolint:gosec // at most MaxEntryBytes
		open: p.open, check: func() error { return folder.Unchanged(p.archive, p.info) },
	})
}

// hidden reports whether a file, or a folder that it is in, is hidden.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part != ".." && folder.Hidden(part) {
			return true
		}
	}
	return false
}

func (p packed) refused(name string) error {
	const encrypted = 1
	switch {
	case !fs.ValidPath(name):
		return errName
	case p.Flags&encrypted != 0:
		return errEncrypted
	case p.UncompressedSize64 > MaxEntryBytes:
		return errLarge
	case p.UncompressedSize64 > RatioFrom && p.UncompressedSize64/MaxRatio > p.CompressedSize64:
		return errRatio
	default:
		return nil
	}
}

// open unpacks from an offset on, which means all before it too.
func (p packed) open(offset int64) (io.ReadCloser, error) {
	r, err := p.Open()
	if err != nil {
		return nil, errDamaged.With("takeout.Open", err)
	}
	out := &unpacking{ReadCloser: r, left: int64(p.UncompressedSize64)} //nolint:gosec // at most MaxEntryBytes
	if _, err := io.CopyN(io.Discard, out, offset); err != nil {
		_ = r.Close()
		return nil, errDamaged.With("takeout.Open", err)
	}
	return out, nil
}

// unpacking ends with errDamaged where a file is not what the archive says of it:
// the archive's reader notices at the end, which a bomb may not have.
type unpacking struct {
	io.ReadCloser
	left int64
}

func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	u.left -= int64(n)
	if u.left < 0 || (err != nil && err != io.EOF) {
		return 0, errDamaged.With("takeout.Read", err)
	}
	return n, err
}

// tree lists the files of an export that was unpacked.
func (f *finder) tree(ctx context.Context, number int, root, shown string) error {
	unread := func(err error) { f.export.Unread = append(f.export.Unread, err) }
	return folder.Walk(ctx, root, unread, func(at, rel string, info fs.FileInfo) {
		f.file(entry{
			source: number, path: filepath.ToSlash(rel), key: at, shown: filepath.Join(shown, rel),
			size: info.Size(), modified: info.ModTime(),
			open:  func(offset int64) (io.ReadCloser, error) { return folder.OpenAt(at, offset) },
			check: func() error { return folder.Unchanged(at, info) },
		})
	})
}
