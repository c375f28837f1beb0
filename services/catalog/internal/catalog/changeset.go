package catalog

import (
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
)

// add stores a new image.
func (c *Changeset) add(i Image, now time.Time) {
	c.Insert = append(c.Insert, i)
	c.count(i, +1)
	c.note(i.ID, catalogapi.ChangeAdded, now)
}

// replace stores what became of an image; what is the same changes nothing.
func (c *Changeset) replace(before, after Image, now time.Time) {
	if before.equal(after) {
		return
	}
	c.Update = append(c.Update, after)
	c.count(before, -1)
	c.count(after, +1)
	kind := catalogapi.ChangeUpdated
	switch {
	case !before.trashed() && after.trashed():
		kind = catalogapi.ChangeTrashed
	case before.trashed() && !after.trashed():
		kind = catalogapi.ChangeRestored
	}
	c.note(after.ID, kind, now)
}

// remove deletes an image for good; its id stays retired.
func (c *Changeset) remove(i Image, r Retired, now time.Time) {
	c.Delete = append(c.Delete, i.ID)
	c.Retire = append(c.Retire, r)
	c.count(i, -1)
	c.note(i.ID, catalogapi.ChangeRemoved, now)
}

// say puts an event into the outbox.
func (c *Changeset) say(e event.Event) { c.Outbox = append(c.Outbox, e) }

// count keeps the months in step: an image counts while it is not in the trash.
func (c *Changeset) count(i Image, n int64) {
	if i.trashed() {
		return
	}
	if c.Months == nil {
		c.Months = map[string]int64{}
	}
	month := i.Month()
	if c.Months[month] += n; c.Months[month] == 0 {
		delete(c.Months, month)
	}
}

func (c *Changeset) note(id, kind string, now time.Time) {
	c.Changes = append(c.Changes, Change{ImageID: id, Kind: kind, At: millis(now)})
}

func (c *Changeset) noteAlbum(id, kind string, now time.Time) {
	c.Changes = append(c.Changes, Change{AlbumID: id, Kind: kind, At: millis(now)})
}
