package blobtest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// InboxHarness is an empty inbox beside an empty store, made for one test.
type InboxHarness struct {
	Store  blob.Store
	Inbox  blob.Inbox
	Put    func(name string, data []byte) // as another tool puts a file there
	Aside  func() [][]byte                // what was moved aside
	Settle func()                         // lets as much time pass as a file takes to be whole
}

// RunInbox runs every test of the inbox port, each on a harness of its own.
func RunInbox(t *testing.T, open func(t *testing.T) InboxHarness) {
	for name, test := range InboxTests() {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// InboxTests are the tests of the port, for an adapter that must run each in
// surroundings of its own.
func InboxTests() map[string]func(*testing.T, InboxHarness) {
	return map[string]func(*testing.T, InboxHarness){
		"Waiting": testInboxWaiting, "Take": testInboxTake, "Changed": testInboxChanged, "Refuse": testInboxRefuse,
	}
}

func (h InboxHarness) waiting(t *testing.T, after string, limit int) (names []string, found []blob.Info) {
	t.Helper()
	h.Settle()
	found, young, err := h.Inbox.Waiting(t.Context(), after, limit)
	if err != nil || young > 0 {
		t.Fatalf("Waiting: %d young, %v", young, err)
	}
	for _, file := range found {
		names = append(names, file.Key)
	}
	return names, found
}

func testInboxWaiting(t *testing.T, h InboxHarness) {
	if names, _ := h.waiting(t, "", 10); len(names) > 0 {
		t.Errorf("an empty inbox lists %v", names)
	}
	for _, name := range []string{"anna/b.jpg", "anna/b/c.jpg", "anna/b-c.jpg", "zoe/a.jpg", "anna/.b.jpg.Xy12", ".hidden/a.jpg"} {
		h.Put(name, []byte(name))
	}
	all := []string{"anna/b-c.jpg", "anna/b.jpg", "anna/b/c.jpg", "zoe/a.jpg"}
	if names, _ := h.waiting(t, "", 10); !slices.Equal(names, all) {
		t.Errorf("lists %v, want %v", names, all)
	}
	if names, _ := h.waiting(t, all[1], 1); !slices.Equal(names, all[2:3]) {
		t.Errorf("lists %v after %s, want %v", names, all[1], all[2:3])
	}
	if names, _ := h.waiting(t, "", len(all)); !slices.Equal(names, all) {
		t.Errorf("lists %v with a limit that just holds all", names)
	}
	for limit, want := range map[int]error{
		-1: blob.ErrLimit, 0: blob.ErrLimit, 1: nil, blob.MaxListLimit: nil, blob.MaxListLimit + 1: blob.ErrLimit,
	} {
		if _, _, err := h.Inbox.Waiting(t.Context(), "", limit); !errors.Is(err, want) {
			t.Errorf("a limit of %d: %v, want %v", limit, err, want)
		}
	}
}

func testInboxTake(t *testing.T, h InboxHarness) {
	data := bytes.Repeat([]byte("picture"), 100_000)
	h.Put("anna/a b/ü.jpg", data)
	_, found := h.waiting(t, "", 10)
	file := found[0]
	if looked, err := h.Inbox.Look(t.Context(), file.Key); err != nil || looked.Generation != file.Generation || looked.Size != int64(len(data)) {
		t.Errorf("Look: %+v, %v; listed %+v", looked, err, file)
	}
	r, err := h.Inbox.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := io.ReadAll(r); err != nil || !bytes.Equal(read, data) {
		t.Errorf("Open: %d bytes, %v", len(read), err)
	}
	_ = r.Close()
	opts := blob.WriteOptions{ContentType: "image/jpeg", Metadata: map[string]string{"owner": "anna"}}
	info, err := h.Inbox.Take(t.Context(), file, "originals/1.jpg", opts)
	if err != nil || info.Size != int64(len(data)) || info.CRC32C != checksum(data) {
		t.Fatalf("Take: %+v, %v", info, err)
	}
	wantData(t, h.Store, "originals/1.jpg", data)
	if stat, err := h.Store.Stat(t.Context(), "originals/1.jpg"); err != nil || stat.ContentType != "image/jpeg" || stat.Metadata["owner"] != "anna" {
		t.Errorf("taken as %+v, %v", stat, err)
	}
	if _, err := h.Inbox.Take(t.Context(), file, "originals/1.jpg", opts); !errors.Is(err, blob.ErrExists) {
		t.Errorf("Take again: %v, want ErrExists", err)
	}
	for range 2 { // it may be done again
		if err := h.Inbox.Remove(t.Context(), file); err != nil {
			t.Errorf("Remove: %v", err)
		}
	}
	if names, _ := h.waiting(t, "", 10); len(names) > 0 {
		t.Errorf("after Remove it lists %v", names)
	}
	if _, err := h.Inbox.Take(t.Context(), file, "originals/2.jpg", opts); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Take of what is gone: %v", err)
	}
	if _, err := h.Inbox.Look(t.Context(), file.Key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Look at what is gone: %v", err)
	}
}

// What somebody puts in a file's place is not what was listed, and stays.
func testInboxChanged(t *testing.T, h InboxHarness) {
	h.Put("anna/a.jpg", []byte("first"))
	_, found := h.waiting(t, "", 10)
	h.Put("anna/a.jpg", []byte("second"))
	if r, err := h.Inbox.Open(t.Context(), found[0]); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("Open of another file than was listed: %v, want ErrChanged", err)
		if err == nil {
			_ = r.Close()
		}
	}
	if _, err := h.Inbox.Take(t.Context(), found[0], "originals/1.jpg", blob.WriteOptions{}); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("Take of another file than was listed: %v, want ErrChanged", err)
	}
	wantAbsent(t, h.Store, "originals/1.jpg")
	if err := errors.Join(h.Inbox.Remove(t.Context(), found[0]), h.Inbox.Refuse(t.Context(), found[0])); err != nil {
		t.Errorf("Remove, Refuse: %v", err)
	}
	_, again := h.waiting(t, "", 10)
	if len(again) != 1 || again[0].Size != 6 || again[0].Generation == found[0].Generation {
		t.Errorf("lists %+v, was %+v", again, found)
	}
}

func testInboxRefuse(t *testing.T, h InboxHarness) {
	for _, content := range []string{"first", "second"} {
		h.Put("anna/notes.txt", []byte(content))
		_, found := h.waiting(t, "", 10)
		for range 2 { // it may be done again
			if err := h.Inbox.Refuse(t.Context(), found[0]); err != nil {
				t.Errorf("Refuse: %v", err)
			}
		}
	}
	if names, _ := h.waiting(t, "", 10); len(names) > 0 {
		t.Errorf("what was refused is listed: %v", names)
	}
	kept := h.Aside()
	slices.SortFunc(kept, bytes.Compare)
	if !slices.EqualFunc(kept, [][]byte{[]byte("first"), []byte("second")}, bytes.Equal) {
		t.Errorf("kept aside: %q", kept)
	}
}
