package ingest

import "sync"

// fresh are the files that this process has stored and not yet tried.
type fresh struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (f *fresh) add(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids[id] = true
}

// addOriginal adds an image; the companion of one is not tried by itself.
func (f *fresh) addOriginal(o Original) {
	if !o.Companion() {
		f.add(o.ID)
	}
}

// take reports whether id was there, and removes it.
func (f *fresh) take(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.ids[id]
	delete(f.ids, id)
	return was
}
