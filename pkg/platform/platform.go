// Package platform opens the adapters that the configuration names by URL, so
// that the composition roots of the services and of the all-in-one choose them
// the same way.
//
// It knows the ports and no adapter: those are in the packages below it, one for
// each port. A root hands over the ones that it needs in a [Kit], and its program
// holds no others. What a program links it pays for, at every start and in memory,
// whether it is used or not.
//
// The cloud's adapters are in files of their own, left out by the build tag
// embedded, which halves the first build of somebody who only wants a gallery on
// one machine.
package platform

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/traced"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// MakeDataDir makes the data directory, readable by its owner only.
func MakeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder (SAJIN_DATA_DIR chooses another): %w", err)
	}
	return nil
}

// Kit is what a program can open. What it never needs is nil.
type Kit struct {
	// Events opens Config.EventsURL; with it the doors for pushed events, nil
	// where the configuration asks for none.
	Events func(context.Context, *Config) (Bus, Push, error)
	// Media opens Config.MediaURL. Where the store is a directory, announce hears
	// of every complete object; nil means that nobody listens, and then nothing is
	// taken in either.
	Media func(ctx context.Context, c *Config, announce Announce) (Store, error)
	// Database opens a database by its URL, and says how to close it.
	Database func(ctx context.Context, rawURL string) (db *gorm.DB, closer func() error, err error)
}

// Bus is an event bus that somebody must close.
type Bus interface {
	event.Bus
	io.Closer
}

// Push makes the door of one subscription.
type Push func(event.Subscription, event.Handler) (http.Handler, error)

// Announce is told of a complete object.
type Announce func(context.Context, blob.Info) error

// Store is a media store, and what it can do besides.
type Store struct {
	blob.Store
	// Partials is for files that arrive in pieces, and Inbox the folder from which
	// files are taken in, where the store is a directory and somebody hears of its
	// objects; else nil.
	Partials blob.Partials
	Inbox    blob.Inbox
	// Sessions opens the sessions that the store serves itself, where it is a
	// bucket; else nil.
	Sessions blob.SessionOpener
	Close    func() error
}

// Adapters are the opened adapters; those that were not asked for are nil.
type Adapters struct {
	Bus   event.Bus
	Media blob.Store
	DB    *gorm.DB
	// Accounts is the web service's own database; nil where there are no accounts.
	Accounts *gorm.DB
	// Partials, Sessions and Inbox are the media store's: see Store.
	Partials blob.Partials
	Sessions blob.SessionOpener
	Inbox    blob.Inbox
	// Push makes the doors for events that the bus pushes; nil where it does not.
	Push    Push
	closers []func() error
}

// Open opens what is needed, in the order events, media, databases. An address
// that is not set, or is none, is an error: see Embedded and Validate.
func (k Kit) Open(ctx context.Context, c Config, need Need) (_ *Adapters, err error) {
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
		if err := a.openEvents(ctx, &c, k); err != nil {
			return nil, err
		}
	}
	if need&Media != 0 {
		if err := a.openMedia(ctx, &c, k); err != nil {
			return nil, err
		}
	}
	if need&Database != 0 {
		if a.DB, err = a.openDatabase(ctx, c.DatabaseURL, k); err != nil {
			return nil, err
		}
	}
	if need&Accounts != 0 && c.hasAccounts() {
		if a.Accounts, err = a.openDatabase(ctx, c.AccountsURL, k); err != nil {
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

func (a *Adapters) openEvents(ctx context.Context, c *Config, k Kit) error {
	bus, push, err := k.Events(ctx, c)
	if err != nil {
		return err
	}
	a.Bus, a.Push, a.closers = bus, push, append(a.closers, bus.Close)
	return nil
}

// openMedia opens the media store. A directory has nobody who says when an
// object is complete, so the store says it itself, on the bus; a bucket does by
// its notifications.
func (a *Adapters) openMedia(ctx context.Context, c *Config, k Kit) error {
	var tell Announce
	if a.Bus != nil {
		tell = func(ctx context.Context, info blob.Info) error { return announce(ctx, a.Bus, info) }
	}
	m, err := k.Media(ctx, c, tell)
	if err != nil {
		return err
	}
	a.Media, a.Partials, a.Sessions, a.Inbox = m.Store, m.Partials, m.Sessions, m.Inbox
	a.closers = append(a.closers, m.Close)
	return nil
}

func (a *Adapters) openDatabase(ctx context.Context, raw string, k Kit) (*gorm.DB, error) {
	db, closer, err := k.Database(ctx, raw)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, closer)
	return db, nil
}

// SessionOrigin is where the sessions are that the media store serves itself: a
// page must be allowed to send there. It is "" where there are none.
func (a *Adapters) SessionOrigin() string {
	if a.Sessions == nil {
		return ""
	}
	return a.Sessions.SessionOrigin()
}

// announce publishes what a bucket's notification would say.
func announce(ctx context.Context, bus event.Publisher, info blob.Info) error {
	if !strings.HasPrefix(info.Key, contract.PrefixOriginals) {
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
