package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

// Memory keeps the open sessions of a gallery in a folder, so that a run which
// was killed is gone on with. There is a small file for each, replaced as a
// whole: two runs at a time do not disturb each other, and nothing is half
// written. The files hold session addresses, which are secrets, and are readable
// by their owner only. Losing them costs only that files are sent anew.
//
// A nil Memory remembers nothing.
type Memory struct {
	dir    string
	server string
}

// begun is what is kept of a session.
type begun struct {
	ID         string    `json:"id"`
	SessionURL string    `json:"session_url"`
	SHA256     string    `json:"sha256"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// OpenMemory opens the memory of what is sent to a gallery, and clears what has
// expired by now.
func OpenMemory(dir, server string, now time.Time) (*Memory, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot remember unfinished uploads: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot remember unfinished uploads: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if old, ok := read(path); entry.Type().IsRegular() && filepath.Ext(path) == ".json" && (!ok || !now.Before(old.ExpiresAt)) {
			_ = os.Remove(path) // another run may have done so
		}
	}
	return &Memory{dir: dir, server: server}, nil
}

// path is the item's own: another size, time or place is another upload.
func (m *Memory) path(i *Item) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%s\x00%s", m.server, i.Key, i.File.Size, i.File.LastModified, i.File.Album))
	return filepath.Join(m.dir, hex.EncodeToString(sum[:16])+".json")
}

func read(path string) (begun, bool) {
	var b begun
	raw, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(raw, &b) != nil {
		return b, false
	}
	return b, b.SessionURL != "" && b.SHA256 != ""
}

// recall finds what an earlier run began. Expired sessions were cleared.
func (m *Memory) recall(i *Item) (begun, bool) {
	if m == nil {
		return begun{}, false
	}
	return read(m.path(i))
}

// keep remembers a session. When that fails the file is sent all the same.
func (m *Memory) keep(i *Item, p uploadapi.PlanResult) {
	if m == nil || p.ExpiresAt == nil {
		return
	}
	raw, err := json.Marshal(begun{ID: p.ID, SessionURL: p.SessionURL, SHA256: i.File.SHA256, ExpiresAt: *p.ExpiresAt})
	if err != nil {
		return
	}
	_ = WriteFile(m.path(i), raw)
}

func (m *Memory) forget(i *Item) {
	if m != nil {
		_ = os.Remove(m.path(i)) // most files were never remembered
	}
}

// WriteFile writes a file that only its owner can read, all at once.
func WriteFile(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".sajin-*") // 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}
