package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// EventsPeriod is how long it is known that an event was taken in: longer than
// Pub/Sub can be told to keep a message, which is 31 days. One that comes later
// is judged by what it says, as one that never came.
// https://cloud.google.com/pubsub/quotas#resource_limits
const EventsPeriod = 32 * 24 * time.Hour

// ErrEventAltered is the answer to an event that was taken in and now says
// something else. Nothing of it has an effect, however often it comes.
var ErrEventAltered = fault.New(fault.Conflict, "event_altered", "The event says something else than it did when it was taken in.")

// receipt is by which event something is done; the zero one is for what is done
// without.
type receipt struct {
	key    string
	digest string
	at     time.Time
}

// receiptOf is that of an event. Its trace does not count: who repeats an event
// does so in another one.
func receiptOf(e event.Event, now time.Time) receipt {
	return receipt{
		key:    digest(e.Source, e.ID),
		digest: digest(e.Type, e.Subject, e.Time.UTC().Format(time.RFC3339Nano), string(e.Data)),
		at:     now,
	}
}

// digest is that of some texts, wherever one ends and the next begins.
func digest(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text))
		hash.Write(sum[:])
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// once runs a decision unless the event was taken in before, and notes the event
// with what was decided. What is the same again is done as long as the image that
// it is about is there: of one that is not, the event is the sign that its files
// are, or that the catalog has lost it, so that is decided anew.
func (r receipt) once(image string, decide func(Snapshot) (Changeset, error)) func(Snapshot) (Changeset, error) {
	if r.key == "" {
		return decide
	}
	return func(s Snapshot) (Changeset, error) {
		_, there := s.Images[image]
		switch {
		case s.Taken == "":
			c, err := decide(s)
			c.Take = &Taken{Key: r.key, Digest: r.digest, At: r.at}
			return c, err
		case s.Taken != r.digest:
			return Changeset{}, ErrEventAltered
		case there:
			return Changeset{}, nil
		default:
			return decide(s)
		}
	}
}
