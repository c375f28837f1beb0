package verify_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/sajin/internal/verify"
)

var day = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

// library is a directory of three images, each with an original, a rendition
// and a manifest.
type library struct {
	t         *testing.T
	dir       string
	store     *fileblob.Store
	manifests []contract.Manifest
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{t: t, dir: t.TempDir()}
	var err error
	if l.store, err = fileblob.Open(l.dir, fileblob.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.store.Close() })
	for i := range 3 {
		l.add(fmt.Sprintf("%d.jpg", i), strings.Repeat(fmt.Sprint("picture ", i), 1000))
	}
	return l
}

func (l *library) put(key, content string) blob.Info {
	l.t.Helper()
	info, err := l.store.Put(l.t.Context(), key, strings.NewReader(content), blob.WriteOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return info
}

func (l *library) add(name, content string) {
	id := identity.NewImageID(day)
	info := l.put(contract.OriginalKey(id, day, ".jpg"), content)
	sum := sha256.Sum256([]byte(content))
	rendition := contract.RenditionKey(id, "w320", ".jpg")
	l.put(rendition, "small")
	m := contract.Manifest{
		Version: 1, ID: id, Owner: "local", Name: name, Key: info.Key, Generation: info.Generation, Size: info.Size,
		SHA256: hex.EncodeToString(sum[:]), CRC32C: info.CRC32C, Renditions: []contract.Rendition{{Name: "w320", Key: rendition}},
	}
	raw, err := json.Marshal(m)
	if err != nil {
		l.t.Fatal(err)
	}
	l.put(contract.ManifestKey(id), string(raw))
	l.manifests = append(l.manifests, m)
}

// film puts a film beside a picture, and into its manifest.
func (l *library) film(m contract.Manifest, content string) contract.Motion {
	sum := sha256.Sum256([]byte(content))
	info := l.put(strings.TrimSuffix(m.Key, ".jpg")+".mov", content)
	m.Films = []contract.Motion{{Key: info.Key, Length: info.Size, ContentType: "video/quicktime", SHA256: hex.EncodeToString(sum[:])}}
	raw, err := json.Marshal(m)
	if err != nil {
		l.t.Fatal(err)
	}
	l.put(contract.ManifestKey(m.ID), string(raw))
	return m.Films[0]
}

func (l *library) receipt() uploadapi.Receipt {
	r := uploadapi.Receipt{Version: 1, MadeAt: day}
	for _, m := range l.manifests {
		r.Files = append(r.Files, uploadapi.ReceiptFile{
			ID: m.ID, Name: m.Name, Size: m.Size, SHA256: m.SHA256, Generation: m.Generation,
			CRC32C: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, m.CRC32C)),
		})
	}
	return r
}

func (l *library) path(key string) string {
	return filepath.Join(l.dir, "objects", filepath.FromSlash(key))
}

// change rewrites an object's file behind the store's back.
func (l *library) change(key string, do func([]byte) []byte) {
	l.t.Helper()
	raw, err := os.ReadFile(l.path(key))
	if err == nil {
		err = os.WriteFile(l.path(key), do(raw), 0o600)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *library) remove(key string) {
	l.t.Helper()
	if err := os.Remove(l.path(key)); err != nil {
		l.t.Fatal(err)
	}
}

// look lists the differences as "code name" in order, and what was read.
func (l *library) look(check func(verify.Bucket, verify.Options) (verify.Report, error)) ([]string, verify.Report, int) {
	l.t.Helper()
	var mu sync.Mutex
	var found []string
	read := 0
	reader, err := fileblob.OpenReadOnly(l.dir, fileblob.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		l.t.Fatal(err)
	}
	defer reader.Close()
	report, err := check(reader, verify.Options{
		Concurrency: 4, Young: time.Hour, Now: func() time.Time { return time.Now().Add(2 * time.Hour) },
		Found: func(d verify.Difference) {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, strings.TrimSpace(string(d.Code)+" "+d.Name))
			if d.Detail == "" || d.ID == "" {
				l.t.Errorf("%+v says too little", d)
			}
		},
		Read: func(n int) {
			mu.Lock()
			defer mu.Unlock()
			read += n
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	slices.Sort(found)
	return found, report, read
}

func (l *library) all() []string {
	found, _, _ := l.look(func(b verify.Bucket, o verify.Options) (verify.Report, error) { return verify.All(l.t.Context(), b, o) })
	return found
}

func (l *library) received() []string {
	r := l.receipt()
	found, _, _ := l.look(func(b verify.Bucket, o verify.Options) (verify.Report, error) {
		return verify.Receipt(l.t.Context(), b, r, o)
	})
	return found
}

func TestAllIsWell(t *testing.T) {
	l := newLibrary(t)
	found, report, read := l.look(func(b verify.Bucket, o verify.Options) (verify.Report, error) { return verify.All(t.Context(), b, o) })
	if len(found) != 0 || report.Images != 3 || read != 3*9000 {
		t.Errorf("%q, %+v, %d bytes", found, report, read)
	}
	if found := l.received(); len(found) != 0 {
		t.Errorf("by the receipt: %q", found)
	}
}

// Every kind of damage to the second picture is named, by the manifests and by
// the receipt, and the other pictures are not.
func TestEveryDifferenceIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		do            func(l *library, m contract.Manifest)
		all, received []string
	}{
		"a flipped bit": {
			func(l *library, m contract.Manifest) {
				l.change(m.Key, func(raw []byte) []byte { raw[4000] ^= 1; return raw })
			},
			[]string{"crc32c 1.jpg", "sha256 1.jpg"},
			[]string{"crc32c 1.jpg", "sha256 1.jpg"},
		},
		"a cut file": {
			func(l *library, m contract.Manifest) {
				l.change(m.Key, func(raw []byte) []byte { return raw[:5000] })
			},
			[]string{"damaged 1.jpg"},
			[]string{"damaged 1.jpg"},
		},
		"a file that is gone": {
			func(l *library, m contract.Manifest) { l.remove(m.Key) },
			[]string{"missing 1.jpg"},
			[]string{"missing 1.jpg"},
		},
		"the same bytes written again": {
			func(l *library, m contract.Manifest) { l.put(m.Key, strings.Repeat("picture 1", 1000)) },
			[]string{"generation 1.jpg"},
			[]string{"generation 1.jpg"},
		},
		"other bytes": {
			func(l *library, m contract.Manifest) { l.put(m.Key, "another picture") },
			[]string{"crc32c 1.jpg", "generation 1.jpg", "sha256 1.jpg", "size 1.jpg"},
			[]string{"crc32c 1.jpg", "generation 1.jpg", "sha256 1.jpg", "size 1.jpg"},
		},
		"no manifest": {
			func(l *library, m contract.Manifest) { l.remove(contract.ManifestKey(m.ID)) },
			[]string{"manifest_missing"},
			nil,
		},
		"a manifest that is none": {
			func(l *library, m contract.Manifest) { l.put(contract.ManifestKey(m.ID), "{") },
			[]string{"manifest_damaged"},
			nil,
		},
		"a rendition that is gone": {
			func(l *library, m contract.Manifest) { l.remove(m.Renditions[0].Key) },
			[]string{"rendition_missing 1.jpg"},
			nil,
		},
		"a film that is gone": {
			func(l *library, m contract.Manifest) { l.remove(l.film(m, "the film").Key) },
			[]string{"motion_missing 1.jpg"},
			nil,
		},
		"another film": {
			func(l *library, m contract.Manifest) { l.put(l.film(m, "the film").Key, "the fish") },
			[]string{"sha256 1.jpg"},
			nil,
		},
		"a film that nothing names": {
			func(l *library, m contract.Manifest) { l.put(strings.TrimSuffix(m.Key, ".jpg")+".mov", "the film") },
			[]string{"manifest_missing"},
			nil,
		},
		"a film and no manifest": {
			func(l *library, m contract.Manifest) {
				l.film(m, "the film")
				l.remove(contract.ManifestKey(m.ID))
			},
			[]string{"manifest_missing", "manifest_missing"},
			nil,
		},
		"a purged image": {
			func(l *library, m contract.Manifest) {
				l.remove(m.Key)
				l.remove(contract.ManifestKey(m.ID))
			},
			nil,
			[]string{"missing 1.jpg"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t)
			tt.do(l, l.manifests[1])
			if found := l.all(); !slices.Equal(found, tt.all) {
				t.Errorf("all: %q, want %q", found, tt.all)
			}
			if found := l.received(); !slices.Equal(found, tt.received) {
				t.Errorf("receipt: %q, want %q", found, tt.received)
			}
		})
	}
}

// What has just arrived may be in work.
func TestYoungOriginals(t *testing.T) {
	l := newLibrary(t)
	l.remove(contract.ManifestKey(l.manifests[0].ID))
	found, report, _ := l.look(func(b verify.Bucket, o verify.Options) (verify.Report, error) {
		o.Now = time.Now
		return verify.All(t.Context(), b, o)
	})
	if len(found) != 0 || report.Young != 1 {
		t.Errorf("%q, %+v", found, report)
	}
}

func TestReceiptsThatAreNone(t *testing.T) {
	l := newLibrary(t)
	o := verify.Options{Concurrency: 1, Now: time.Now, Found: func(verify.Difference) {}, Read: func(int) {}}
	for name, change := range map[string]func(*uploadapi.ReceiptFile){
		"no checksum":     func(f *uploadapi.ReceiptFile) { f.CRC32C = "x" },
		"a path as an id": func(f *uploadapi.ReceiptFile) { f.ID = "../../x" },
	} {
		r := l.receipt()
		change(&r.Files[0])
		if _, err := verify.Receipt(t.Context(), l.store, r, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.Receipt(ctx, l.store, l.receipt(), o); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended look: %v", err)
	}
	missing := 0
	o.Found = func(d verify.Difference) {
		if d.Code == verify.ReceiptIncomplete {
			missing++
		}
	}
	if _, err := verify.Receipt(t.Context(), l.store, uploadapi.Receipt{Version: 1, Missing: []string{l.manifests[0].ID}}, o); err != nil || missing != 1 {
		t.Errorf("an incomplete receipt: %v, %d", err, missing)
	}
}

// A store whose reads fail is named, and no reason to stop.
func TestAStoreThatFails(t *testing.T) {
	l := newLibrary(t)
	codes := map[verify.Code]int{}
	o := verify.Options{Concurrency: 1, Now: time.Now, Read: func(int) {}, Found: func(d verify.Difference) { codes[d.Code]++ }}
	if _, err := verify.All(t.Context(), failing{l.store}, o); err != nil || codes[verify.Damaged] != 3 {
		t.Errorf("%v, %v", err, codes)
	}
}

type failing struct{ *fileblob.Store }

func (f failing) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	r, info, err := f.Store.Open(ctx, key, offset, length)
	if err == nil && strings.HasPrefix(key, contract.PrefixOriginals) {
		_ = r.Close()
		return io.NopCloser(io.MultiReader(bytes.NewReader([]byte("half")), broken{})), info, nil
	}
	return r, info, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("input/output error") }
