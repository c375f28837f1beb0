// Package audit reads what a Sajin keeps, its bucket and its database, behind
// the back of its services, and says where that is not what clients were
// promised: something acknowledged is lost, something is there twice, or
// something is there that belongs to nothing.
//
// It knows the names of objects, the manifests and the catalog's tables, and
// reads them through the same adapters as the services; it believes no service
// and changes nothing.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

// Places say where a Sajin keeps what it keeps. Of the first two one is set.
type Places struct {
	MediaDir   string // a directory; only who has stopped leaves its lock
	StorageURL string // of a Cloud Storage emulator
	Bucket     string // in there
	Database   string // as SAJIN_DATABASE_URL has it
}

// Kind says what is wrong, as one word of the promise that was broken.
type Kind string

// The kinds of findings.
const (
	Lost    Kind = "lost"    // acknowledged, and not there with its bytes
	Double  Kind = "double"  // the same bytes more than once
	Orphan  Kind = "orphan"  // belongs to nothing, or only a part is there
	Ghost   Kind = "ghost"   // there, and nobody was promised it, or it was purged
	Damaged Kind = "damaged" // not what its own description says
	Unsaid  Kind = "unsaid"  // decided, and the others have not been told
)

// Finding is one thing that is not as it was promised.
type Finding struct {
	Kind   Kind
	What   string // an image's id, or an object's key
	Detail string
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Kind, f.What, f.Detail) }

// Found is what one audit saw.
type Found struct {
	Images   int // rows of the catalog
	Objects  int
	Sessions int // partial files of a directory, finished ones included
	Findings []Finding
}

func (f *Found) add(kind Kind, what, format string, args ...any) {
	f.Findings = append(f.Findings, Finding{kind, what, fmt.Sprintf(format, args...)})
}

// Count is how many findings of a kind there are.
func (f *Found) Count(kind Kind) int {
	n := 0
	for _, one := range f.Findings {
		if one.Kind == kind {
			n++
		}
	}
	return n
}

// Run audits what is kept at p against what clients were promised. It reads
// every byte. It needs a Sajin that does nothing at the moment; one that keeps
// its media in a directory must have stopped. An error means that it could not
// be read, not that something is wrong with it.
func Run(ctx context.Context, p Places, promised Promised) (Found, error) {
	media, sessions, closer, err := openMedia(ctx, p)
	if err != nil {
		return Found{}, err
	}
	defer closer()
	kept, err := readBucket(ctx, media)
	if err != nil {
		return Found{}, err
	}
	rows, err := readCatalog(ctx, p.Database)
	if err != nil {
		return Found{}, err
	}
	f := Found{Images: len(rows.images), Objects: kept.objects, Sessions: sessions, Findings: kept.findings}
	f.compare(kept, rows)
	f.judge(promised, kept, rows)
	slices.SortFunc(f.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.What, b.What))
	})
	return f, nil
}

// openMedia opens the store, and counts the partial files where there are any.
func openMedia(ctx context.Context, p Places) (blob.Store, int, func(), error) {
	if p.MediaDir == "" {
		store, err := gcsblob.Open(ctx, p.Bucket, gcsblob.Options{Endpoint: p.StorageURL})
		if err != nil {
			return nil, 0, nil, err
		}
		return store, 0, func() { _ = store.Close() }, nil
	}
	store, err := fileblob.Open(p.MediaDir, fileblob.Options{})
	if err != nil {
		return nil, 0, nil, err
	}
	closer := func() { _ = store.Close() }
	partials, err := store.Partials()
	if err != nil {
		closer()
		return nil, 0, nil, err
	}
	all, err := partials.All(ctx)
	if err != nil {
		closer()
		return nil, 0, nil, err
	}
	return store, len(all), closer, nil
}

// compare holds the bucket and the catalog to say the same.
func (f *Found) compare(b bucket, c catalog) {
	contents := map[string]string{}
	for _, row := range c.images {
		m, whole := b.manifests[row.ID]
		switch {
		case row.State == stateFailed:
			if whole {
				f.add(Orphan, row.ID, "the catalog says that it was refused, and its files are there")
			}
			continue
		case row.State != stateReady:
			f.add(Unsaid, row.ID, "it is %s still", row.State)
		case !whole:
			f.add(Lost, row.ID, "the catalog lists it, and its files are not there")
		case m.SHA256 != row.SHA256 || m.Key != row.Key:
			f.add(Damaged, row.ID, "the catalog says %s at %s, its manifest %s at %s", row.SHA256, row.Key, m.SHA256, m.Key)
		}
		owned := row.Owner + " " + row.SHA256
		if twin, twice := contents[owned]; twice {
			f.add(Double, row.ID, "its bytes are those of %s", twin)
		}
		contents[owned] = row.ID
	}
	for id := range b.manifests {
		if _, listed := c.images[id]; !listed {
			f.add(Orphan, id, "its files are there, and the catalog does not know it")
		}
	}
	for _, month := range c.months {
		if month.Counted != month.Said {
			f.add(Damaged, month.Owner+" "+month.Month, "the month has %d images and says %d", month.Counted, month.Said)
		}
	}
	if c.outbox > 0 {
		f.add(Unsaid, "outbox", "%d events wait to be published", c.outbox)
	}
}

func openDatabase(ctx context.Context, url string) (database, error) {
	db, err := gormdb.Open(ctx, url, gormdb.Options{})
	if err != nil {
		return database{}, err
	}
	plain, err := db.DB()
	return database{plain}, err
}
