package gallerytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Uploader is a gallery.Uploader that takes every file whose first bytes are an
// image's and stores it in Media.
type Uploader struct {
	Media    *Media
	sessions sessions
	stored   sync.Map // uploadapi.ReceiptFile by id
}

// Upload stores the files.
func (u *Uploader) Upload(ctx context.Context, contentType string, _ int64, body io.Reader) (uploadapi.UploadResponse, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return uploadapi.UploadResponse{}, fault.New(fault.Invalid, "malformed_multipart", "The form cannot be read.")
	}
	var out uploadapi.UploadResponse
	for form := multipart.NewReader(body, params["boundary"]); ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return out, fault.Wrap("gallerytest.Upload", ctx.Err())
		}
		if err != nil {
			return out, fault.New(fault.Invalid, "body_incomplete", "The form ended early.").With("gallerytest.Upload", err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return out, fault.New(fault.Invalid, "body_incomplete", "The form ended early.").With("gallerytest.Upload", err)
		}
		if part.FileName() == "" {
			if part.FormName() == "album" {
				out.Album = contract.CleanAlbum(string(data))
			}
			continue
		}
		out.Results = append(out.Results, u.take(part.FileName(), data))
	}
}

func (u *Uploader) take(name string, data []byte) uploadapi.Result {
	detected := http.DetectContentType(data)
	if !strings.HasPrefix(detected, "image/") {
		d := problem.From(fault.New(fault.Unsupported, "unsupported_media_type", "This is not an image."))
		return uploadapi.Result{Name: name, Status: uploadapi.StatusRefused, Problem: &d}
	}
	now := time.Now().UTC()
	id, sum := identity.NewImageID(now), sha256.Sum256(data)
	key := contract.OriginalKey(id, now, ".jpg")
	u.Media.Put(key, data)
	u.stored.Store(id, uploadapi.ReceiptFile{
		ID: id, Name: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), CRC32C: "AAAAAA==", Generation: 1,
	})
	return uploadapi.Result{Name: name, Status: uploadapi.StatusProcessing, ID: id, Stored: &uploadapi.Stored{
		Key: key, Size: int64(len(data)), ContentType: detected, SHA256: hex.EncodeToString(sum[:]),
		Width: 4, Height: 3, CreatedAt: now.Format(time.RFC3339Nano),
	}}
}

// Receipt tells what Upload and Send have stored.
func (u *Uploader) Receipt(_ context.Context, req uploadapi.ReceiptRequest) (uploadapi.Receipt, error) {
	out := uploadapi.Receipt{Version: uploadapi.ReceiptVersion, MadeAt: time.Now().UTC()}
	for _, id := range req.IDs {
		if f, ok := u.stored.Load(id); ok {
			out.Files = append(out.Files, f.(uploadapi.ReceiptFile)) //nolint:forcetypeassert // take stores nothing else
			continue
		}
		out.Missing = append(out.Missing, id)
	}
	return out, nil
}

// Media is a gallery.Media in memory. Safe for concurrent use.
type Media struct {
	mu      sync.Mutex
	objects map[string]object
	writes  int64
	opened  []Opening
}

type object struct {
	data []byte
	info blob.Info
	end  error // in place of io.EOF
}

// Opening is what was asked of Media.
type Opening struct {
	Key            string
	Offset, Length int64
}

// NewMedia makes an empty store.
func NewMedia() *Media { return &Media{objects: map[string]object{}} }

// Put stores bytes.
func (m *Media) Put(key string, data []byte) { m.PutDamaged(key, data, nil) }

// PutDamaged stores bytes that end with an error when they are read.
func (m *Media) PutDamaged(key string, data []byte, end error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	m.objects[key] = object{data: data, end: end, info: blob.Info{
		Key: key, Size: int64(len(data)), Generation: m.writes,
		CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)),
	}}
}

// Opened lists what was opened so far.
func (m *Media) Opened() []Opening {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Opening(nil), m.opened...)
}

// Open reads a range.
func (m *Media) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened = append(m.opened, Opening{key, offset, length})
	if err := ctx.Err(); err != nil {
		return nil, blob.Info{}, err
	}
	found, ok := m.objects[key]
	if !ok {
		return nil, blob.Info{}, blob.ErrNotFound
	}
	length, err := blob.Span(found.info.Size, offset, length)
	if err != nil {
		return nil, blob.Info{}, err
	}
	var r io.Reader = bytes.NewReader(found.data[offset : offset+length])
	if found.end != nil {
		r = io.MultiReader(r, failing{found.end})
	}
	return io.NopCloser(r), found.info, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
