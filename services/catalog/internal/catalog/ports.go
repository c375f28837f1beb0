// Package catalog is the core of the catalog service: it knows what images
// there are, decides what becomes of them, and says what changed.
//
// Its decisions are plain functions from what is stored (a [Snapshot]) to what
// is to be stored (a [Changeset]); a [Store] runs them in transactions. It knows
// no HTTP, no SQL and no message bus, and never sees the bytes of an image.
package catalog

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Store keeps the catalog. Its errors are faults. It is safe for concurrent
// use, by several processes too, and bounded by each call's context.
type Store interface {
	// Find returns an image of the owner, by its id or the id of a duplicate
	// that was merged into it, or ErrNotFound.
	Find(ctx context.Context, owner identity.Owner, id string) (Image, error)
	// Page returns up to q.Limit images, newest first, in one query.
	Page(ctx context.Context, owner identity.Owner, q PageQuery) ([]Image, error)
	// ByContent returns those of the owner's images that have one of up to
	// catalogapi.MaxKnown contents, by ContentKey.
	ByContent(ctx context.Context, owner identity.Owner, sha256s []string) (map[string]Image, error)
	// Beside returns the ids of the images just before and just after a position
	// in the timeline, or in the trash; empty where there is none.
	Beside(ctx context.Context, owner identity.Owner, trashed bool, at Position) (newer, older string, err error)
	// Months returns the months that have images outside the trash, newest first.
	Months(ctx context.Context, owner identity.Owner) ([]catalogapi.Month, error)

	// Albums returns all albums of the owner, in any order, with their covers, in
	// one query.
	Albums(ctx context.Context, owner identity.Owner) ([]Album, error)
	// HasAlbum reports whether the owner has an album.
	HasAlbum(ctx context.Context, owner identity.Owner, id string) (bool, error)
	// AlbumsOf returns the ids of the albums that an image is in.
	AlbumsOf(ctx context.Context, image string) ([]string, error)

	// Last is the sequence number of the owner's last change; 0 for none.
	Last(ctx context.Context, owner identity.Owner) (int64, error)
	// Changes returns up to limit changes after a sequence number, in order.
	Changes(ctx context.Context, owner identity.Owner, after int64, limit int) ([]Change, error)

	// Update reads what the scope names, hands it to decide, and applies its
	// changeset, in one transaction that excludes every other Update of the same
	// owner. decide may run several times, and must have no effect but its
	// result; an error of decide changes nothing and is returned as it is.
	//
	// The changes get the owner's next sequence numbers, without a gap, and
	// become visible in their order: whoever has seen one has seen all before.
	Update(ctx context.Context, scope Scope, decide func(Snapshot) (Changeset, error)) error

	// Expired lists up to limit images that went to the trash before a time, the
	// one that did so first before the others.
	Expired(ctx context.Context, before time.Time, limit int) ([]Expired, error)
	// Due counts what there is to keep.
	Due(ctx context.Context, d Dates) (Kept, error)
	// Compact deletes up to limit changes from before a time, and says how many.
	Compact(ctx context.Context, before time.Time, limit int) (int, error)
	// Forget deletes up to limit notes of events that were taken in before a time,
	// and says how many.
	Forget(ctx context.Context, before time.Time, limit int) (int, error)

	Outbox

	// Key is the secret that cursors are signed with: 32 random bytes, made at
	// the first call and the same for every process from then on.
	Key(ctx context.Context) ([]byte, error)
}

// PageQuery asks for a page of the timeline, or of the trash.
type PageQuery struct {
	Trashed bool
	Month   string    // 2006-01; empty for all
	Album   string    // its id; empty for all
	After   *Position // the last image of the page before; nil for the first page
	Limit   int
}

// Position is a place in the timeline.
type Position struct {
	TakenAt time.Time
	ID      string
}

// Expired is an image that has been in the trash for too long.
type Expired struct {
	Owner     identity.Owner
	ID        string
	Name      string
	TrashedAt time.Time
}

// Dates say before when things are old.
type Dates struct {
	Now     time.Time
	Trashed time.Time // images
	Changes time.Time
	Events  time.Time
}

// Change is one entry of an owner's change feed.
type Change struct {
	Seq     int64  // set by the store
	ImageID string // empty where the change is about an album
	AlbumID string
	Kind    string // catalogapi.Change…
	At      time.Time
}

// Scope names what an Update is about.
type Scope struct {
	Owner   identity.Owner
	IDs     []string
	SHA256s []string
	Albums  bool   // all of the owner's
	Event   string // the key of the event that it is for; empty for none
}

// Snapshot is what is stored about a scope.
type Snapshot struct {
	// Images by id, whoever owns them: those of the scope, and those that its
	// ids were merged into.
	Images map[string]Image
	// ByContent holds the owner's images by ContentKey.
	ByContent map[string]Image
	// Retired by id.
	Retired map[string]Retired
	// Albums by id, where the scope asks for them; without their covers.
	Albums map[string]Album
	// Members holds the ids of the albums that each of Images is in.
	Members map[string][]string
	// Taken is the digest of what the scope's event said when it was taken in;
	// empty where it was not.
	Taken string
}

// Taken notes that an event was taken in, whoever's image it is about. There is
// one note for a key: a second is a Conflict.
type Taken struct {
	Key    string // of the event's source and id: a SHA-256, lower-case hexadecimal
	Digest string // of what it said, likewise
	At     time.Time
}

// Retired is an id that has no image: it was purged, or merged into another
// image with the same bytes, or refused before anybody expected it. It is kept
// so that an event that comes late or again does not bring the image back.
type Retired struct {
	ID         string
	Owner      identity.Owner
	AliasOf    string // the image it was merged into
	FailCode   string // why it was refused
	FailDetail string
}

// Joining puts an image into an album that it is not in.
type Joining struct {
	AlbumID string
	Image   Image
}

// Leaving takes an image out of an album.
type Leaving struct{ AlbumID, ImageID string }

// Changeset is what an Update stores, all of it or nothing. The store keeps the
// counts of albums in step with their members: an image that goes to the trash
// stays a member and is not counted, one that is deleted is none any more.
type Changeset struct {
	Insert []Image
	Update []Image
	Delete []string
	// Retire holds new retired ids. What was merged into one of them before is
	// merged into its AliasOf from then on.
	Retire       []Retired
	Unretire     []string
	InsertAlbums []Album
	UpdateAlbums []Album  // their names and parents
	DeleteAlbums []string // and whatever was in them is out of them
	Join         []Joining
	Leave        []Leaving
	// Months holds what is added to the count of each month.
	Months  map[string]int64
	Changes []Change
	Outbox  []event.Event
	Take    *Taken // nil for none
}
