package fileblob

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

const (
	partialsDir  = "partials"
	recordSuffix = ".json"
	dataSuffix   = ".part"
	maxPartialID = 64
	maxRecord    = 64 << 10
)

// Partials keeps partial objects in the store's directory, in a folder of their
// own:
//
//	partials/<id>.part   the bytes; what is beyond the offset does not count
//	partials/<id>.json   the offset and the note
//
// A record is replaced by a rename, after the bytes that it counts are durable.
// What the records say is held in memory as well, some hundred bytes for each.
type Partials struct {
	store *Store
	mu    sync.Mutex
	known map[string]partialRecord
	held  map[string]struct{}
}

var _ blob.Partials = (*Partials)(nil)

// partialRecord is what a record's file holds.
type partialRecord struct {
	Offset int64  `json:"offset"`
	Note   []byte `json:"note"`
}

// Partials reads what there is and removes what belongs to nothing. It may be
// called once for a store, since holding is known in one place only.
func (s *Store) Partials() (*Partials, error) {
	const op = "fileblob.Partials"
	p := &Partials{store: s, known: map[string]partialRecord{}, held: map[string]struct{}{}}
	if err := s.folders.ensure(partialsDir); err != nil {
		return nil, classify(op, err)
	}
	names, err := s.partialNames()
	if err != nil {
		return nil, classify(op, err)
	}
	for _, name := range names {
		if id, ok := strings.CutSuffix(name, recordSuffix); ok && validPartialID(id) {
			if err := p.read(id); err != nil {
				return nil, classify(op, err)
			}
		}
	}
	return p, classify(op, p.tidy(names))
}

func (s *Store) partialNames() ([]string, error) {
	dir, err := s.root.Open(partialsDir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	return dir.Readdirnames(-1)
}

// read takes a record in. One that cannot be read was begun and not changed
// before the power failed: nothing was promised about it. One without its bytes
// has lost them to somebody else.
func (p *Partials) read(id string) error {
	file, err := p.store.root.Open(partialsDir + "/" + id + recordSuffix)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxRecord))
	if err != nil {
		return err
	}
	var rec partialRecord
	if err := json.Unmarshal(raw, &rec); err != nil || rec.Offset < 0 || rec.Offset > p.dataSize(id) {
		p.store.opts.Log.Warn("removed an unfinished upload whose record is damaged", "id", id)
		return nil
	}
	p.known[id] = rec
	return nil
}

func (p *Partials) dataSize(id string) int64 {
	info, err := p.store.root.Lstat(partialsDir + "/" + id + dataSuffix)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// tidy removes the files of unknown partials.
func (p *Partials) tidy(names []string) error {
	for _, name := range names {
		id, _, _ := strings.Cut(name, ".")
		if _, ok := p.known[id]; ok {
			continue
		}
		if err := p.store.disk.remove(partialsDir + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

// validPartialID keeps ids safe as file names, on systems that do not tell case
// apart too.
func validPartialID(id string) bool {
	return id != "" && len(id) <= maxPartialID && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Begin implements blob.Partials.
func (p *Partials) Begin(ctx context.Context, id string, note []byte) error {
	const op = "fileblob.Begin"
	if !validPartialID(id) {
		return blob.ErrKey
	}
	h, err := p.hold(ctx, id, true)
	if err != nil {
		return classify(op, err)
	}
	defer h.Release()
	return classify(op, h.save(partialRecord{Note: note}, false))
}

// Look implements blob.Partials.
func (p *Partials) Look(ctx context.Context, id string) (blob.Partial, error) {
	if err := ctx.Err(); err != nil {
		return blob.Partial{}, classify("fileblob.Look", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	rec, ok := p.known[id]
	if !ok {
		return blob.Partial{}, blob.ErrNotFound
	}
	return blob.Partial{ID: id, Offset: rec.Offset, Note: rec.Note}, nil
}

// All implements blob.Partials.
func (p *Partials) All(ctx context.Context) ([]blob.Partial, error) {
	if err := ctx.Err(); err != nil {
		return nil, classify("fileblob.All", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]blob.Partial, 0, len(p.known))
	for id, rec := range p.known {
		out = append(out, blob.Partial{ID: id, Offset: rec.Offset, Note: rec.Note})
	}
	return out, nil
}

// Hold implements blob.Partials.
func (p *Partials) Hold(ctx context.Context, id string) (blob.HeldPartial, error) {
	h, err := p.hold(ctx, id, false)
	if err != nil {
		return nil, classify("fileblob.Hold", err)
	}
	return h, nil
}

// hold takes hold of a partial that is there, or of the id of one that is not.
func (p *Partials) hold(ctx context.Context, id string, fresh bool) (*heldPartial, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	rec, known := p.known[id]
	_, held := p.held[id]
	switch {
	case fresh && (known || held):
		return nil, blob.ErrExists
	case !fresh && !known:
		return nil, blob.ErrNotFound
	case held:
		return nil, blob.ErrHeld
	}
	p.held[id] = struct{}{}
	return &heldPartial{partials: p, id: id, rec: rec}, nil
}

func (p *Partials) release(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, id)
}

func (p *Partials) note(id string, rec partialRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[id] = rec
}

func (p *Partials) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, id)
}

// removeFile removes a file that may not be there.
func (p *Partials) removeFile(name string) error {
	if err := p.store.disk.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (p *Partials) openData(id string, flag int) (*os.File, error) {
	return p.store.root.OpenFile(partialsDir+"/"+id+dataSuffix, flag, 0o600)
}
