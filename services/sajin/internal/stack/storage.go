package stack

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob/gcstest"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// StorageOptions say what a Storage keeps and for whom.
type StorageOptions struct {
	Dir     string // where the objects are; made where it is missing
	Public  string // host:port by which services and browsers reach it
	Project string // in which it tells the bus of originals
	Bucket  string // made where it is missing
}

// Storage is a Cloud Storage of one bucket: fake-gcs-server, with the sessions
// of the real one before it, and notifications of every original on the bus
// that PUBSUB_EMULATOR_HOST names when it is opened.
type Storage struct {
	http.Handler
	emulator *fakestorage.Server
}

// OpenStorage opens a Storage, which listens nowhere by itself.
func OpenStorage(o StorageOptions) (*Storage, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	emulator, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener: true, ExternalURL: "http://" + o.Public, StorageRoot: o.Dir, Writer: io.Discard,
		EventOptions: fakestorage.EventManagerOptions{
			ProjectID: o.Project, TopicName: string(contract.TopicObjects), Bucket: o.Bucket,
			ObjectPrefix: contract.PrefixOriginals, NotifyOn: fakestorage.EventNotificationOptions{Finalize: true},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("stack: cloud storage: %w", err)
	}
	emulator.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: o.Bucket})
	return &Storage{Handler: gcstest.New(listing{emulator: emulator.HTTPHandler(), dir: o.Dir}), emulator: emulator}, nil
}

// Close stops the emulator. Whoever serves the handler has stopped before.
func (s *Storage) Close() error {
	s.emulator.Stop()
	return nil
}
