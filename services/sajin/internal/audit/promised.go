package audit

import "slices"

// Place is where an image must be.
type Place string

// The places.
const (
	InGallery Place = "the gallery"
	InTrash   Place = "the trash"
	Purged    Place = "nowhere"        // it was deleted for good
	Anywhere  Place = "somewhere"      // in the gallery or the trash: a change of it was not answered
	Maybe     Place = "there or not"   // it was sent, or is being purged, and nobody was answered
	Refused   Place = "never anywhere" // it was refused for good
)

// Promise is what a client may hold against a gallery about one content.
type Promise struct {
	Place Place
	IDs   []string // by which it was acknowledged; each leads to it
	Films []string // the SHA-256 of those that were acknowledged to be with it
}

// Promised is everything that clients were promised, by the SHA-256 of the
// content. What is there and is not in it is a ghost.
type Promised map[string]Promise

// judge holds what is there against what was promised.
func (f *Found) judge(promised Promised, b bucket, c catalog) {
	bySum := map[string]image{}
	for _, row := range c.images {
		if row.State == stateFailed {
			continue
		}
		bySum[row.SHA256] = row
		if _, sent := promised[row.SHA256]; !sent {
			f.add(Ghost, row.ID, "nobody has sent the bytes %s", row.SHA256)
		}
	}
	for sum, p := range promised {
		row, there := bySum[sum]
		f.judgePlace(sum, p, row, there)
		if !there || p.Place == Purged {
			continue
		}
		if got := b.sums[row.ID]; got != sum {
			f.add(Lost, row.ID, "the bytes %s were acknowledged, and %q are stored", sum, got)
		}
		for _, film := range p.Films {
			if !slices.Contains(b.films[row.ID], film) {
				f.add(Lost, row.ID, "its film %s was acknowledged, and is not with it", film)
			}
		}
		for _, id := range p.IDs {
			if c.leadsTo(id) != row.ID {
				f.add(Lost, id, "it was acknowledged for %s, and does not lead to it", row.ID)
			}
		}
	}
}

func (f *Found) judgePlace(sum string, p Promise, row image, there bool) {
	wanted := p.Place != Purged && p.Place != Maybe && p.Place != Refused
	switch {
	case wanted && !there:
		f.add(Lost, first(p.IDs, sum), "it was acknowledged to be in %s, and is not there", p.Place)
	case there && (p.Place == Purged || p.Place == Refused):
		f.add(Ghost, row.ID, "the bytes %s must be %s", sum, p.Place)
	case there && (p.Place == InGallery && row.Trashed || p.Place == InTrash && !row.Trashed):
		f.add(Lost, row.ID, "it must be in %s", p.Place)
	}
}

func first(ids []string, otherwise string) string {
	if len(ids) > 0 {
		return ids[0]
	}
	return otherwise
}
