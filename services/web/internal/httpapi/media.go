package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
)

const (
	// mediaPolicy keeps a file that is opened by itself from doing anything,
	// whatever it turns out to be.
	mediaPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"
	// mediaCaching: the bytes at an address never change, and are the owner's.
	mediaCaching = "private, max-age=31536000, immutable"
	// mediaChunk is what is read and sent at a time, and mediaStall how long one
	// such step may take: a reader has to keep up with about 1 kB a second.
	mediaChunk = 64 << 10
	mediaStall = 60 * time.Second
)

var errMediaTimeout = fault.New(fault.Timeout, "media_timeout", "The picture could not be read in time. Please try again.")

// inlineTypes are the types that a browser may show, each with the endings that
// belong to it, the usual one first. Anything else is offered as a download.
var inlineTypes = map[string][]string{
	"image/jpeg": {".jpg", ".jpeg", ".jpe", ".jfif"},
	"image/png":  {".png"},
	"image/gif":  {".gif"},
	"image/webp": {".webp"},
	"image/avif": {".avif"},

	"video/mp4":       {".mp4"},
	"video/quicktime": {".mov"},
}

// kept are the endings of the images that are downloaded only.
var kept = map[string][]string{
	"image/bmp":             {".bmp", ".dib"},
	"image/heic":            {".heic", ".heif", ".hif"},
	"image/tiff":            {".tif", ".tiff"},
	"image/x-adobe-dng":     {".dng"},
	"image/jxl":             {".jxl"},
	"image/x-canon-cr2":     {".cr2"},
	"image/x-canon-cr3":     {".cr3"},
	"image/x-nikon-nef":     {".nef"},
	"image/x-sony-arw":      {".arw"},
	"image/x-olympus-orf":   {".orf"},
	"image/x-panasonic-rw2": {".rw2"},
	"image/x-fuji-raf":      {".raf"},
}

// serveMedia is GET and HEAD of /media/{id}/{rendition}.
func (s *Server) serveMedia(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParseQuery(r, "download")
	if err != nil {
		return err
	}
	download, err := q.Bool("download")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	watch := time.AfterFunc(mediaStall, func() { cancel(errMediaTimeout) })
	defer watch.Stop()
	m, err := s.Gallery.Medium(ctx, r.PathValue("id"), r.PathValue("rendition"))
	if err != nil {
		return timedOut(ctx, err)
	}
	sel, err := selectPart(ctx, m, r)
	if err != nil {
		if errors.Is(err, errRange) {
			w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(sel.version.Size, 10))
		}
		return timedOut(ctx, err)
	}
	setMediaHeaders(w.Header(), m, r.PathValue("rendition"), sel, download)
	w.WriteHeader(sel.status)
	if sel.body != nil {
		s.send(w, r, sel, func() { watch.Reset(mediaStall) })
	}
	return nil
}

// timedOut names the reason when it was the clock that ended the reading.
func timedOut(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errMediaTimeout) {
		return errMediaTimeout.With("httpapi.serveMedia", err)
	}
	return err
}

// selection is the answer to a request for a file: its status, the version it
// is about, and the bytes to send (nil for none).
type selection struct {
	status  int
	version gallery.Version
	span    span
	body    io.ReadCloser
}

// selectPart chooses what to send. A plain GET is one look at the store; a
// condition or a range needs to know the version first.
func selectPart(ctx context.Context, m gallery.Medium, r *http.Request) (selection, error) {
	if r.Method != http.MethodHead && !hasCondition(r.Header) {
		body, v, err := m.Open(ctx, 0, -1)
		return selection{http.StatusOK, v, span{0, v.Size}, body}, err
	}
	v, err := m.Stat(ctx)
	if err != nil {
		return selection{}, err
	}
	sel := selection{status: http.StatusOK, version: v, span: span{0, v.Size}}
	if sel.status, sel.span, err = evaluate(r, etag(v), v.Size); err != nil {
		return sel, err
	}
	if r.Method != http.MethodHead && sel.status != http.StatusNotModified {
		sel.body, err = m.OpenVersion(ctx, v, sel.span.offset, sel.span.length)
	}
	return sel, err
}

// etag is the strong entity tag of a version.
func etag(v gallery.Version) string { return `"` + v.Tag + `"` }

func setMediaHeaders(header http.Header, m gallery.Medium, rendition string, sel selection, download bool) {
	header.Set("Etag", etag(sel.version))
	header.Set("Cache-Control", mediaCaching)
	header.Set("Content-Security-Policy", mediaPolicy)
	if sel.status == http.StatusNotModified {
		return
	}
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Length", strconv.FormatInt(sel.span.length, 10))
	if sel.status == http.StatusPartialContent {
		header.Set("Content-Range", sel.span.contentRange(sel.version.Size))
	}
	contentType, disposition := m.ContentType, "inline"
	if inlineTypes[contentType] == nil {
		contentType, disposition = "application/octet-stream", "attachment"
	}
	if download {
		disposition = "attachment"
	}
	header.Set("Content-Type", contentType)
	header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": fileName(m, rendition)}))
}

// fileName is the name to save a file under. Its ending is one that belongs to
// the verified type, whatever the file was called when it was uploaded: a
// picture that also reads as a page must not be saved as one.
func fileName(m gallery.Medium, rendition string) string {
	endings := inlineTypes[m.ContentType]
	if endings == nil {
		endings = kept[m.ContentType]
	}
	ending := path.Ext(m.Name)
	if rendition != gallery.Original {
		return strings.TrimSuffix(m.Name, ending) + "-" + rendition + first(endings)
	}
	if slices.Contains(endings, strings.ToLower(ending)) {
		return m.Name
	}
	return m.Name + first(endings)
}

func first(endings []string) string {
	if len(endings) == 0 {
		return ".bin"
	}
	return endings[0]
}

// send copies the bytes out. A response that cannot be completed is cut off, so
// that it does not look whole.
func (s *Server) send(w http.ResponseWriter, r *http.Request, sel selection, progress func()) {
	defer func() { _ = sel.body.Close() }() // what it has to say, Read has said
	control := http.NewResponseController(w)
	out := steps{w: w, before: func() {
		progress()
		// A writer that knows no deadlines (in-process) has no slow peer either.
		_ = control.SetWriteDeadline(time.Now().Add(mediaStall))
	}}
	n, err := copyHeld(out, sel.body)
	_ = control.SetWriteDeadline(time.Time{}) // the connection may go on to another request
	if err == nil && n == sel.span.length {
		return
	}
	if r.Context().Err() == nil {
		s.Log.WarnContext(r.Context(), "a picture could not be sent whole", "sent", n, "of", sel.span.length, "err", err)
	}
	panic(http.ErrAbortHandler)
}

// steps calls before ahead of every write.
type steps struct {
	w      io.Writer
	before func()
}

func (s steps) Write(p []byte) (int, error) {
	s.before()
	return s.w.Write(p)
}

// copyHeld copies in chunks and always holds one back until the next read has
// gone well. A store that finds its bytes damaged says so at their end, in
// place of io.EOF; the last chunk is then not sent, and the client sees a cut
// response instead of a whole one with wrong bytes.
func copyHeld(w io.Writer, r io.Reader) (sent int64, err error) {
	held, next := make([]byte, mediaChunk), make([]byte, mediaChunk)
	n, err := io.ReadFull(r, held)
	for err == nil {
		var more int
		if more, err = io.ReadFull(r, next); err != nil && !atEnd(err) {
			return sent, err
		}
		written, writeErr := w.Write(held[:n])
		if sent += int64(written); writeErr != nil {
			return sent, writeErr
		}
		held, next, n = next, held, more
	}
	if !atEnd(err) {
		return sent, err
	}
	written, err := w.Write(held[:n])
	return sent + int64(written), err
}

// atEnd: a short last chunk is an end as well; that all of it has come is seen
// by its length.
func atEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
