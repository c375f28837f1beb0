package ingest_test

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

func TestStore(t *testing.T) {
	w := newWorld(t)
	modified := time.Date(2020, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600))
	f := file("사진 100%.jpg", picture("one"))
	f.ModifiedAt = &modified
	o, err := w.Store(t.Context(), owner, f)
	if err != nil {
		t.Fatal(err)
	}
	want := ingest.Original{
		ID: o.ID, Key: "originals/20261122/" + o.ID + ".jpg", Name: "사진 100%.jpg", Size: int64(len(picture("one"))),
		ContentType: "image/jpeg", SHA256: checksum(picture("one")), CreatedAt: epoch,
	}
	if o != want || !identity.ValidImageID(o.ID) {
		t.Errorf("Store = %+v, want %+v", o, want)
	}
	info, err := w.bucket.Stat(t.Context(), o.Key)
	if err != nil {
		t.Fatal(err)
	}
	name, err := url.PathUnescape(info.Metadata["name"])
	if err != nil || name != o.Name || info.Metadata["owner"] != owner || info.Metadata["modified_at"] != "2020-01-02T02:04:05.006Z" {
		t.Errorf("the original's metadata is %v", info.Metadata)
	}
	if info.ContentType != "image/jpeg" || string(w.bucket.Data(o.Key)) != picture("one") {
		t.Errorf("stored as %q with %q", info.ContentType, w.bucket.Data(o.Key))
	}
}

// What is no image is refused by its first bytes; nothing is stored of it.
func TestStoreSniffs(t *testing.T) {
	for content, want := range map[string]string{
		picture("x"):                          "",
		"\x89PNG\r\n\x1a\n rest":              "",
		"GIF87a rest":                         "",
		"GIF89a rest":                         "",
		"RIFF\x00\x00\x00\x00WEBP rest":       "",
		"":                                    "file_empty",
		"x":                                   "image_corrupt",
		"\xff\xd8":                            "image_corrupt",
		"\x89PNG":                             "image_corrupt",
		"RIFF\x00\x00\x00\x00WE":              "image_corrupt",
		"RIFF\x00\x00\x00\x00WAVE":            "unsupported_media_type",
		"hello":                               "unsupported_media_type",
		strings.Repeat("x", 1000):             "unsupported_media_type",
		"RIFF" + strings.Repeat("\x00", 1000): "unsupported_media_type",
	} {
		w := newWorld(t)
		_, err := w.Store(t.Context(), owner, file("a.jpg", content))
		if got := code(err); got != want {
			t.Errorf("Store(%.20q): %q, want %q (%v)", content, got, want, err)
		}
		if want != "" {
			w.empty()
		}
	}
}

func TestStoreNamesWhatItFound(t *testing.T) {
	w := newWorld(t)
	for content, want := range map[string]string{
		"just text":                            "text/plain",
		"<?xml version='1.0'?><svg onload=''>": "image/svg+xml",
		"<!DOCTYPE html><p>":                   "text/html",
		"%PDF-1.7":                             "application/pdf",
		"PK\x03\x04":                           "application/zip",
		"\x00\x00\x00\x18ftypisom":             "video/mp4",
		"8BPS":                                 "image/vnd.adobe.photoshop",
		"\x01\x02\x03\x04":                     "application/octet-stream",
	} {
		_, err := w.Store(t.Context(), owner, file("a.jpg", content))
		if !errors.Is(err, ingest.ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("Store(%q): %v, want it to name %s", content, err, want)
		}
	}
	w.empty()
}

func TestStoreLimitsTheFile(t *testing.T) {
	const limit = 1 << 20
	for size, want := range map[int]string{limit - 1: "", limit: "", limit + 1: "file_too_large", 5 * limit: "file_too_large"} {
		w := newWorld(t, func(c *ingest.Config) { c.FileBytes = limit })
		_, err := w.Store(t.Context(), owner, file("a.jpg", picture(strings.Repeat("x", size-len(magic)))))
		if got := code(err); got != want {
			t.Errorf("a file of %d bytes: %q, want %q", size, got, want)
		}
		if want != "" {
			w.empty()
		}
	}
}

// A body that breaks off leaves nothing, wherever it does.
func TestStoreLeavesNothingOfABrokenBody(t *testing.T) {
	gone := errors.New("connection reset")
	for _, content := range []string{"", magic, picture(strings.Repeat("x", 600)), picture(strings.Repeat("x", 1<<20))} {
		for _, failure := range []error{gone, io.ErrUnexpectedEOF} {
			w := newWorld(t)
			_, err := w.Store(t.Context(), owner, ingest.File{Name: "a.jpg", Body: brokenBody(content, failure)})
			cut := (*ingest.BodyError)(nil)
			if !errors.As(err, &cut) || !errors.Is(err, failure) {
				t.Errorf("after %d bytes: %v, want a *BodyError of %v", len(content), err, failure)
			}
			w.empty()
		}
	}
}

func TestStoreRefusesWhatIsRefusedAlready(t *testing.T) {
	w := newWorld(t)
	_, err := w.Store(t.Context(), owner, ingest.File{Refusal: ingest.ErrEmpty, Body: failing{errors.New("was read")}})
	if !errors.Is(err, ingest.ErrEmpty) {
		t.Errorf("Store: %v, want %v", err, ingest.ErrEmpty)
	}
	w.empty()
}

// A write that was done and whose answer was lost is safe; one that kept half is
// not, and leaves nothing.
func TestStoreWhenTheBucketFails(t *testing.T) {
	for mode, want := range map[ingesttest.Mode]string{
		ingesttest.Before: "injected", ingesttest.After: "", ingesttest.Short: "storage_unavailable",
	} {
		w := newWorld(t)
		w.faults.Arm(1, mode)
		o, err := w.Store(t.Context(), owner, file("a.jpg", picture("ok")))
		if code(err) != want {
			t.Errorf("%s: %v, want %q", mode, err, want)
		}
		if want != "" {
			w.empty()
			continue
		}
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{w.process(o).ID: checksum(picture("ok"))})
	}
}

func TestStoreDoesNotTrustTheClock(t *testing.T) {
	w := newWorld(t)
	first := w.store(picture("a"))
	w.clock.Advance(-time.Hour)
	second := w.store(picture("b"))
	if first.ID == second.ID || len(w.bucket.Keys(contract.PrefixOriginals)) != 2 {
		t.Errorf("two files became %v", w.bucket.Keys(""))
	}
}

// collision is a bucket in which every new key is taken already.
type collision struct {
	*ingesttest.Bucket
	with string
}

func (c collision) Put(ctx context.Context, key string, r io.Reader, opts blob.WriteOptions) (blob.Info, error) {
	if _, err := c.Bucket.Put(ctx, key, strings.NewReader(c.with), blob.WriteOptions{}); err != nil {
		return blob.Info{}, err
	}
	return c.Bucket.Put(ctx, key, r, opts)
}

// An adapter that tries again finds its own object in the way: the file is
// safe. What is somebody else's is left alone.
func TestStoreUnderATakenKey(t *testing.T) {
	for with, want := range map[string]string{picture("mine"): "", picture("other"): "storage_unavailable"} {
		w := newWorld(t)
		s := ingest.New(w.cfg, ingest.Ports{Blob: collision{w.bucket, with}, Events: w.bus, Now: w.clock.Now, Log: discard})
		if _, err := s.Store(t.Context(), owner, file("a.jpg", picture("mine"))); code(err) != want {
			t.Errorf("Store over %q: %v, want %q", with, err, want)
		}
		if keys := w.bucket.Keys(""); len(keys) != 1 || string(w.bucket.Data(keys[0])) != with {
			t.Errorf("the bucket holds %v", keys)
		}
		s.Close(t.Context())
	}
}
