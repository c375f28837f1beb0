// Package fileblob is the blob store in a directory of one machine.
//
// A directory holds
//
//	objects/<key>   one file an object: its bytes, then a trailer that describes it
//	tmp/            what is being written; emptied at Open
//	lock            held by the process that uses the directory
//
// Bytes and description are one file so that one rename makes both visible at
// once, one fsync makes both durable, Stat is one small read, and any copy of
// the tree (rsync, tar, a snapshot at any instant) is a consistent backup. The
// bytes come first: image viewers open the files as they are.
//
// What a Put acknowledged survives kill -9 and loss of power, provided that the
// disk keeps what fsync promised. The order is: fsync the file, make missing
// folders and fsync their parents, rename (or link, for IfNotExists) into
// place, fsync the folder.
//
// The package knows files and nothing of what is in them.
package fileblob

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

const (
	objectsDir = "objects"
	tempDir    = "tmp"
	lockFile   = "lock"
)

// finalizeTimeout bounds one call of Options.OnFinalize.
const finalizeTimeout = 10 * time.Second

// Options adjust a store. The zero value is ready for use.
type Options struct {
	// OnFinalize is called once an object is durable, before its Put returns,
	// with a context that outlives the caller's by up to ten seconds: the object
	// is there even if the caller has gone. Its error makes Put return
	// blob.ErrUnavailable with the object kept; the caller may write it again,
	// or leave it to whoever looks for objects nobody was told of. A process
	// killed in between has not called it. It must be safe for concurrent use.
	OnFinalize func(ctx context.Context, info blob.Info) error
	// FinalizePrefixes limit OnFinalize to keys that start with one of them.
	// None means every key.
	FinalizePrefixes []string
	// Log hears of damaged objects and of leftovers; slog.Default() when nil.
	Log *slog.Logger
	// Now gives the time of creation; time.Now when nil.
	Now func() time.Time
}

// Store is a blob.Store in a directory. Safe for concurrent use.
type Store struct {
	root    *os.Root
	lock    *os.File
	disk    disk
	folders *folders
	// tree is held for reading while an object goes into its folder, and for
	// writing while an empty folder is removed: no folder vanishes under a Put.
	tree       sync.RWMutex
	generation atomic.Int64
	opts       Options
}

var (
	_ blob.Store    = (*Store)(nil)
	_ blob.AtOpener = (*Store)(nil)
)

// Open makes dir a store if it is not one yet, and takes hold of it: another
// process (or a second Open in this one) gets a fault.Locked with the code
// data_dir_in_use until Close or the end of this process. The file system must
// know hard links, fsync and flock: any local Unix one does.
func Open(dir string, opts Options) (*Store, error) {
	return open(dir, opts, func(root *os.Root) disk { return rootDisk{root} })
}

// open is Open with the file system's writing side chosen by the caller, so
// that tests can record it and let it fail.
func open(dir string, opts Options, on func(*os.Root) disk) (*Store, error) {
	const op = "fileblob.Open"
	if err := makeDirs(dir); err != nil {
		return nil, classify(op, err)
	}
	lock, err := acquire(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, opts: opts.withDefaults()}
	if s.root, err = os.OpenRoot(dir); err == nil {
		s.disk = on(s.root)
		s.folders = newFolders(s.disk)
		err = s.prepare()
	}
	if err != nil {
		_ = s.Close()
		return nil, classify(op, err)
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// prepare makes the two trees durable and clears what a killed process left.
func (s *Store) prepare() error {
	for _, dir := range []string{objectsDir, tempDir} {
		if err := s.folders.ensure(dir); err != nil {
			return err
		}
	}
	leftovers, err := s.root.Open(tempDir)
	if err != nil {
		return err
	}
	defer leftovers.Close()
	names, err := leftovers.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.disk.remove(tempDir + "/" + name); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		s.opts.Log.Info("removed unfinished writes of an earlier run", "count", len(names))
	}
	return nil
}

// Close lets go of the directory. Calls under way may fail; readers that are
// open stay good.
func (s *Store) Close() error {
	var err error
	if s.root != nil {
		err = s.root.Close()
	}
	// Closing the file gives up its lock; the file stays, because removing it
	// would let two processes hold locks on two files of the same name.
	if lockErr := s.lock.Close(); err == nil {
		err = lockErr
	}
	return classify("fileblob.Close", err)
}

// nextGeneration is the time in microseconds, as Cloud Storage's is, moved
// forward where two writes share one.
func (s *Store) nextGeneration(now time.Time) int64 {
	for {
		last := s.generation.Load()
		next := max(now.UnixMicro(), last+1)
		if s.generation.CompareAndSwap(last, next) {
			return next
		}
	}
}
