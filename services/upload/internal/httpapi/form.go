package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

var (
	errNoFiles      = fault.New(fault.Invalid, "no_files", "The form holds no file. Please choose at least one.")
	errTooManyParts = fault.New(fault.TooLarge, "too_many_parts", "The form has more parts than are allowed at a time. Please send fewer files.")
	errField        = fault.New(fault.TooLarge, "field_too_large", "A text field of the form is longer than is allowed.")
	errTooManyFiles = fault.New(fault.TooLarge, "too_many_files",
		"This file and those after it were not taken: there are more than are allowed at a time. Please send them separately.")
	errFileName = fault.New(fault.Unprocessable, "filename_invalid", "The name of the file cannot be read. Please rename it and add it again.")
	errTransfer = fault.New(fault.Unprocessable, "transfer_encoding_unsupported", "The file must be sent as it is, without a transfer encoding.")
)

// fieldLastModified is the text field that says when the file that follows it
// was last modified.
const fieldLastModified = "last_modified"

// fieldAlbum is the text field that says which album the files after it are for.
const fieldAlbum = "album"

// fieldCompanionOf is the text field that says which image the file that follows
// it is the film of.
const fieldCompanionOf = "companion_of"

// errFormEnd says that the form came to its proper end. It is not io.EOF, which
// is in the chain of what a body that ended too early gives.
var errFormEnd = errors.New("httpapi: the form has ended")

// maxEpilogueBytes is how much is read after the form's end, so that the
// connection can be used again.
const maxEpilogueBytes = 64 << 10

// form reads the files of one request as they arrive.
type form struct {
	limits   Limits
	body     *body
	reader   *multipart.Reader
	control  *http.ResponseController
	current  io.Reader // of the part that was read last
	parts    int
	count    int        // of files
	modified *time.Time // of the next file
	album    string     // of the files that follow
	partner  string     // of the next file
}

func newForm(w http.ResponseWriter, r *http.Request, boundary string, limits Limits) *form {
	b := newBody(w, r, limits)
	return &form{limits: limits, body: b, reader: multipart.NewReader(b, boundary), current: http.NoBody, control: http.NewResponseController(w)}
}

// files yields every part that has a file name, whatever its field is called.
// It is read once.
func (f *form) files(yield func(ingest.File, error) bool) {
	// The wait for the work on the files is not the client's idleness.
	defer func() { _ = f.control.SetReadDeadline(time.Time{}) }()
	for {
		file, err := f.next()
		if errors.Is(err, errFormEnd) {
			_, _ = io.CopyN(io.Discard, f.body, maxEpilogueBytes) // all files are here, whatever it holds
			return
		}
		if !yield(file, err) || err != nil || errors.Is(file.Refusal, errTooManyFiles) {
			return
		}
	}
}

// next is the next file, or errFormEnd after the last, or what ends the request.
func (f *form) next() (ingest.File, error) {
	for {
		part, err := f.nextPart()
		if errors.Is(err, errFormEnd) && f.count == 0 {
			return ingest.File{}, errNoFiles
		}
		if err != nil {
			return ingest.File{}, err
		}
		d, err := dispositionOf(part.Header)
		if err != nil {
			return ingest.File{}, err
		}
		f.current = &content{part, f.body}
		if !d.isFile {
			if err := f.field(d.name, f.current); err != nil {
				return ingest.File{}, err
			}
			continue
		}
		file, blank, err := f.file(part.Header, d, f.current)
		if blank {
			continue
		}
		return file, err
	}
}

func (f *form) nextPart() (*multipart.Part, error) {
	if _, err := io.Copy(io.Discard, f.current); err != nil { // what a refused file has left
		return nil, err
	}
	f.body.expectStructure()
	defer f.body.expectContent()
	part, err := f.reader.NextRawPart()
	if err == io.EOF { // the final delimiter; a body that ended without it is wrapped
		return nil, errFormEnd
	}
	if errors.Is(err, multipart.ErrMessageTooLarge) || errors.Is(err, errStructure) && f.parts > 0 {
		return nil, errPartHeader.With("httpapi.form", err)
	}
	if err != nil {
		return nil, f.body.explain(err)
	}
	if f.parts++; f.parts > f.limits.Parts {
		return nil, errTooManyParts
	}
	if headerBytes(part.Header) > f.limits.PartHeaderBytes {
		return nil, errPartHeader
	}
	return part, nil
}

func headerBytes(header textproto.MIMEHeader) int {
	n := 0
	for name, values := range header {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// field reads a text field, of which three are of interest.
func (f *form) field(name string, content io.Reader) error {
	var text bytes.Buffer
	n, err := io.Copy(&text, io.LimitReader(content, f.limits.FieldBytes+1))
	if err != nil {
		return err
	}
	if n > f.limits.FieldBytes {
		return errField
	}
	switch name {
	case fieldLastModified:
		f.modified = parseModified(text.String())
	case fieldAlbum:
		f.album = text.String()
	case fieldCompanionOf:
		f.partner = text.String()
	}
	return nil
}

// file makes a file of a part. A browser sends a part without name and content
// for a file field that was left blank.
func (f *form) file(header textproto.MIMEHeader, d disposition, content io.Reader) (file ingest.File, blank bool, err error) {
	if d.fileName == "" && d.refusal == nil {
		first := make([]byte, 1)
		n, err := io.ReadFull(content, first)
		if n == 0 {
			return file, err == io.EOF, err // the part's regular end is io.EOF itself
		}
		content = io.MultiReader(bytes.NewReader(first), content)
	}
	file = ingest.File{Name: d.fileName, ModifiedAt: f.modified, Album: f.album, CompanionOf: f.partner, Refusal: d.refusal, Body: content}
	f.modified, f.partner = nil, ""
	if f.count++; f.count > f.limits.Files {
		file.Refusal = errTooManyFiles
	} else if !plain(header.Get("Content-Transfer-Encoding")) {
		file.Refusal = errTransfer
	}
	return file, false, nil
}

func plain(transferEncoding string) bool {
	switch strings.ToLower(transferEncoding) {
	case "", "7bit", "8bit", "binary":
		return true
	default:
		return false
	}
}

// parseModified reads RFC 3339 or milliseconds since 1970. It is a hint: what
// cannot be read, or cannot be meant, is no reason to refuse a file.
func parseModified(s string) *time.Time {
	s = strings.TrimSpace(s)
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		ms, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil
		}
		at = time.UnixMilli(ms)
	}
	at = at.UTC()
	if at.Year() < 1826 || at.Year() > 9999 { // no photograph is older; JSON has no later year
		return nil
	}
	return &at
}

// content is one part's content; its errors say what they mean for the client.
type content struct {
	part *multipart.Part
	body *body
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.part.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // the part's end; a body that ends within it is io.ErrUnexpectedEOF
		err = c.body.explain(err)
	}
	return n, err
}
