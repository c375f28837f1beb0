// Package platform opens the adapters that the configuration names by URL, so
// that the composition roots of the services and of the all-in-one choose them
// the same way. Nothing set means embedded, below the data directory.
//
// It is the one place besides the tests that knows every adapter. The cloud's
// are in files of their own, left out by the build tag embedded, which halves
// the first build of somebody who only wants a gallery on one machine.
package platform

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents"
	"github.com/sajin-gallery/sajin/pkg/event/traced"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// MakeDataDir makes the data directory, readable by its owner only.
func MakeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder (SAJIN_DATA_DIR chooses another): %w", err)
	}
	return nil
}

// Adapters are the opened adapters; those that were not asked for are nil.
type Adapters struct {
	Bus   event.Bus
	Media blob.Store
	DB    *gorm.DB
	// Accounts is the web service's own database; nil where there are no accounts.
	Accounts *gorm.DB
	// Partials is for files that arrive in pieces, where the media store is a
	// directory and Events are needed too; else nil.
	Partials blob.Partials
	// Sessions opens the sessions that the media store serves itself, where it is
	// a bucket; else nil.
	Sessions blob.SessionOpener
	// Inbox is the folder from which files are taken in, where Partials is set.
	Inbox blob.Inbox
	// Push makes the doors for events that the bus pushes; nil where it does not.
	Push    Push
	closers []func() error
}

// Push makes the door of one subscription.
type Push func(event.Subscription, event.Handler) (http.Handler, error)

// Open opens what is needed, in the order events, media, databases. An address
// that is not set, or is none, is an error: see Embedded and Validate.
func Open(ctx context.Context, c Config, need Need) (_ *Adapters, err error) {
	a := &Adapters{}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	c.Required = need
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%w:\n%w", process.ErrConfig, err)
	}
	if need&Events != 0 {
		if err := a.openEvents(ctx, c); err != nil {
			return nil, err
		}
	}
	if need&Media != 0 {
		if err := a.openMedia(ctx, c.MediaURL); err != nil {
			return nil, err
		}
	}
	if need&Database != 0 {
		if a.DB, err = a.openDatabase(ctx, c.DatabaseURL); err != nil {
			return nil, err
		}
	}
	if need&Accounts != 0 && c.hasAccounts() {
		if a.Accounts, err = a.openDatabase(ctx, c.AccountsURL); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Close closes what was opened, the last first.
func (a *Adapters) Close() {
	for _, closer := range slices.Backward(a.closers) {
		if err := closer(); err != nil {
			slog.Warn("an adapter did not close cleanly", "err", err)
		}
	}
}

// closingBus and cloudStore are adapters that somebody must close.
type (
	closingBus interface {
		event.Bus
		io.Closer
	}
	cloudStore interface {
		blob.Store
		blob.SessionOpener
		io.Closer
	}
)

func (a *Adapters) openEvents(ctx context.Context, c Config) error {
	raw := c.EventsURL
	u, err := url.Parse(raw)
	if err != nil {
		return errURL("SAJIN_EVENTS_URL")
	}
	var bus closingBus
	switch u.Scheme {
	case "nats+embedded":
		bus, err = natsevents.Open(ctx, natsevents.Options{Dir: filepath.FromSlash(u.Path)})
	case "nats":
		bus, err = natsevents.Open(ctx, natsevents.Options{URL: raw})
	default:
		bus, err = openCloudEvents(ctx, u)
	}
	if err != nil {
		return err
	}
	a.Bus, a.closers = bus, append(a.closers, bus.Close)
	if c.PushAccount != "" {
		a.Push, err = pushed(bus, c.PushAudience, c.PushAccount)
	}
	return err
}

// openMedia opens the media store. A directory has nobody who says when an
// object is complete, so the store says it itself, on the bus; a bucket does by
// its notifications.
func (a *Adapters) openMedia(ctx context.Context, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errURL("SAJIN_MEDIA_URL")
	}
	if u.Scheme == "file" {
		return a.openDirectory(filepath.FromSlash(u.Path))
	}
	store, err := openCloudMedia(ctx, u)
	if err != nil {
		return err
	}
	a.Media, a.Sessions, a.closers = store, store, append(a.closers, store.Close)
	return nil
}

// SessionOrigin is where the sessions are that the media store serves itself: a
// page must be allowed to send there. It is "" where there are none.
func (a *Adapters) SessionOrigin() string {
	if a.Sessions == nil {
		return ""
	}
	return a.Sessions.SessionOrigin()
}

func (a *Adapters) openDirectory(dir string) error {
	store, err := fileblob.Open(dir, fileblob.Options{
		OnFinalize: func(ctx context.Context, info blob.Info) error { return announce(ctx, a.Bus, info) },
	})
	if err != nil {
		return err
	}
	a.Media, a.closers = store, append(a.closers, store.Close)
	if a.Bus == nil { // who only reads takes nothing in
		return nil
	}
	partials, err := store.Partials()
	if err != nil {
		return err
	}
	inbox, err := store.Inbox(string(identity.LocalOwner))
	if err != nil {
		return err
	}
	a.Partials, a.Inbox = partials, inbox
	return nil
}

// announce publishes what a bucket's notification would say.
func announce(ctx context.Context, bus event.Publisher, info blob.Info) error {
	if bus == nil || !strings.HasPrefix(info.Key, contract.PrefixOriginals) {
		return nil
	}
	e, err := contract.New(fmt.Sprintf("%s/%d", info.Key, info.Generation), contract.SourceBucket,
		contract.TypeObjectFinalized, info.Key, info.CreatedAt, contract.ObjectFinalized{
			Key: info.Key, Generation: info.Generation, Size: info.Size,
			ContentType: info.ContentType, CreatedAt: info.CreatedAt,
		})
	if err != nil {
		return err
	}
	return traced.Publisher(bus).Publish(ctx, contract.TopicObjects, e)
}

func (a *Adapters) openDatabase(ctx context.Context, raw string) (*gorm.DB, error) {
	db, err := a.connect(ctx, raw)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func() error { return gormdb.Close(db) })
	return db, nil
}
