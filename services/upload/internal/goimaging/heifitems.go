package goimaging

import "slices"

// heifItem is an item of a HEIF file: a picture, a tile of one, or a recipe.
type heifItem struct {
	kind    string
	inIdat  bool
	foreign bool // stored by a method that is not read here
	extents []extent
	props   []int // in the order in which they apply
}

// heifProp is a property that items share.
type heifProp struct {
	kind string
	body extent
}

// heifRef is a reference between items.
type heifRef struct {
	kind string
	from uint32
	to   []uint32
}

// heifFile is what the tables of a HEIF file say (ISO/IEC 23008-12).
type heifFile struct {
	w       *window
	brand   string
	primary uint32
	items   map[uint32]*heifItem
	props   []heifProp
	refs    []heifRef
	idat    extent
	moves   bool // there is a film, too
	motion  extent
	entries int // of all tables: places, properties, references
}

// enter counts an entry of a table, some of which take no bytes in the file, and
// reports whether there are too many.
func (f *heifFile) enter() (tooMany bool) {
	f.entries++
	return f.entries > maxEntries
}

// readHEIF reads the tables. All boxes must be in the file, to its end.
func readHEIF(w *window) (*heifFile, error) {
	f := &heifFile{w: w, items: map[uint32]*heifItem{}}
	var meta extent
	err := boxes(w, extent{0, w.src.Size}, func(b box) error {
		switch b.kind {
		case "ftyp":
			brand, err := w.at(b.body.off, 4)
			f.brand = string(brand)
			return err
		case "meta":
			meta = b.body
		case "moov":
			f.moves = true
		case "mpvd": // Samsung's and Google's moving part
			f.motion = b.body
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if meta.size < 4 {
		return nil, corrupt("no table of items")
	}
	return f, boxes(w, extent{meta.off + 4, meta.size - 4}, f.metaBox)
}

func (f *heifFile) metaBox(b box) error {
	if b.kind == "idat" {
		f.idat = b.body
		return nil
	}
	read := map[string]func(*fields, box) error{
		"pitm": f.pitm, "iinf": f.iinf, "iloc": f.iloc, "iref": f.iref, "iprp": f.iprp,
	}[b.kind]
	if read == nil {
		return nil
	}
	t, err := table(f.w, b.body)
	if err != nil {
		return err
	}
	if err := read(t, b); err != nil {
		return err
	}
	if t.short {
		return corrupt("the table %s ends early", b.kind)
	}
	return nil
}

func (f *heifFile) pitm(t *fields, _ box) error {
	version, _ := t.version()
	f.primary = t.wide(version > 0)
	return nil
}

// iinf reads the kinds of the items.
func (f *heifFile) iinf(t *fields, b box) error {
	version, _ := t.version()
	head := int64(6)
	if version > 0 {
		head = 8
	}
	t.wide(version > 0)
	return boxes(f.w, extent{b.body.off + head, b.body.size - head}, func(b box) error {
		if b.kind != "infe" {
			return nil
		}
		e, err := table(f.w, extent{b.body.off, min(b.body.size, 12)})
		if err != nil {
			return err
		}
		version, _ := e.version()
		if version < 2 {
			return nil // no picture is described so
		}
		id := e.wide(version > 2)
		e.number(2)
		f.item(id).kind = e.text(4)
		if e.short || len(f.items) > maxItems {
			return corrupt("a short description of an item, or more than %d", maxItems)
		}
		return nil
	})
}

func (f *heifFile) item(id uint32) *heifItem {
	if f.items[id] == nil {
		f.items[id] = &heifItem{}
	}
	return f.items[id]
}

// iloc reads where the items are.
func (f *heifFile) iloc(t *fields, _ box) error {
	version, _ := t.version()
	sizes := t.number(2)
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		index = 0
	}
	if max(offset, length, base, index) > 8 {
		return corrupt("places of %#x bytes", sizes)
	}
	for range min(t.wide(version > 1), maxItems) {
		item := f.item(t.wide(version > 1))
		method := uint64(0)
		if version > 0 {
			method = t.number(2) & 15
		}
		item.inIdat = method == 1
		item.foreign = t.number(2) != 0 || method > 1
		from := int64(t.number(base))
		for range t.number(2) {
			t.number(index)
			e := extent{from + int64(t.number(offset)), int64(t.number(length))}
			if t.short || f.enter() || len(f.items) > maxItems {
				return corrupt("a short table of places, or a long one")
			}
			item.extents = append(item.extents, e)
		}
	}
	return nil
}

// iref reads which item belongs to which.
func (f *heifFile) iref(t *fields, b box) error {
	version, _ := t.version()
	return boxes(f.w, extent{b.body.off + 4, b.body.size - 4}, func(b box) error {
		e, err := table(f.w, b.body)
		if err != nil {
			return err
		}
		ref := heifRef{kind: b.kind, from: e.wide(version > 0)}
		for range min(e.number(2), maxItems) {
			ref.to = append(ref.to, e.wide(version > 0))
			if e.short || f.enter() {
				return corrupt("a short reference, or too many")
			}
		}
		if e.short || f.enter() {
			return corrupt("a short reference, or too many")
		}
		f.refs = append(f.refs, ref)
		return nil
	})
}

// iprp reads the properties, and which items have them.
func (f *heifFile) iprp(_ *fields, b box) error {
	return boxes(f.w, b.body, func(b box) error {
		switch b.kind {
		case "ipco":
			return boxes(f.w, b.body, func(b box) error {
				if f.props = append(f.props, heifProp(b)); f.enter() {
					return corrupt("too many properties")
				}
				return nil
			})
		case "ipma":
			return f.ipma(b)
		default:
			return nil
		}
	})
}

func (f *heifFile) ipma(b box) error {
	t, err := table(f.w, b.body)
	if err != nil {
		return err
	}
	version, flags := t.version()
	for range min(t.number(4), maxItems) {
		item := f.item(t.wide(version > 0))
		for range t.number(1) {
			index := t.number(1) & 0x7f
			if flags&1 != 0 {
				index = index<<8 | t.number(1)
			}
			item.props = append(item.props, int(index)-1)
			if t.short || f.enter() {
				return corrupt("a short table of properties, or a long one")
			}
		}
	}
	if t.short || len(f.items) > maxItems {
		return corrupt("a short table of properties")
	}
	return nil
}

// prop is an item's first property of a kind.
func (f *heifFile) prop(item *heifItem, kind string) (heifProp, bool) {
	for _, i := range item.props {
		if i >= 0 && i < len(f.props) && f.props[i].kind == kind {
			return f.props[i], true
		}
	}
	return heifProp{}, false
}

// referred are the items that an item refers to.
func (f *heifFile) referred(kind string, from uint32) []uint32 {
	for _, r := range f.refs {
		if r.kind == kind && r.from == from {
			return r.to
		}
	}
	return nil
}

// auxiliary are the items that say of themselves that they belong to an item.
func (f *heifFile) auxiliary(to uint32) (out []uint32) {
	for _, r := range f.refs {
		if r.kind == "auxl" && slices.Contains(r.to, to) {
			out = append(out, r.from)
		}
	}
	return out
}

// place is where an item is, in one piece; false where it is in several, or
// stored in a way that is not read here.
func (f *heifFile) place(item *heifItem) (extent, bool, error) {
	if item.foreign || len(item.extents) != 1 {
		return extent{}, false, nil
	}
	e, room := item.extents[0], extent{0, f.w.src.Size}
	if item.inIdat {
		room = f.idat
	}
	if e.size == 0 {
		e.size = room.size - e.off
	}
	if e.off < 0 || e.size <= 0 || e.size > room.size || e.off > room.size-e.size {
		return e, false, corrupt("an item of %d bytes at %d of %d", e.size, e.off, room.size)
	}
	e.off += room.off
	return e, true, nil
}
