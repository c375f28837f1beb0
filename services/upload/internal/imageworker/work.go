package imageworker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Engine makes what does the work, out of the JSON of [Config.Engine]. It is
// called in every worker, and in the program itself where there can be none.
type Engine func(config json.RawMessage) (ingest.Imager, ingest.MetadataReader, error)

// engine is what Main was given.
var engine Engine

// workerName is the zeroth argument of a worker, by which it knows what it is.
const workerName = "sajin-image-worker"

// Main must be called first thing by the main function, or by TestMain, of every
// program that uses a [Pool]: in a worker it works, and never returns. Otherwise
// it only remembers the engine.
func Main(e Engine) {
	engine = e
	if len(os.Args) == 2 && os.Args[0] == workerName {
		os.Exit(work(os.Args[1]))
	}
}

// The statuses that a worker ends with by itself.
const (
	exitParentGone = 0
	exitSetup      = 3 // it cannot begin
	exitProtocol   = 4
)

// What a worker holds.
const (
	restBytes = 32 << 20 // of memory, whatever the image
	keepBytes = 16 << 20 // of dead memory between images, so that small ones are quick
	// What the kernel lets it have beyond the estimate: the runtime's own needs,
	// and room for an estimate that is a little low.
	spareBytes = 128 << 20
)

// work is a worker's life: it ends when the parent does, or wants it to.
func work(config string) int {
	// A terminal or a supervisor signals all processes. The images in work are
	// still to be finished; the parent says when it is over.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	var s setup
	if err := json.Unmarshal([]byte(config), &s); err != nil {
		return exitSetup
	}
	requests, err := dial()
	if err != nil {
		return exitSetup
	}
	w := &worker{requests: requests, start: mapped()}
	harden(w.start + s.Memory + spareBytes*shadow)
	if w.imager, w.reader, err = engine(s.Engine); err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		return exitSetup
	}
	debug.SetGCPercent(-1) // the limit on memory says when there is garbage enough
	debug.SetMemoryLimit(restBytes)
	if err := writeFrame(requests, response{}); err != nil {
		return exitProtocol
	}
	return w.serve()
}

// worker answers requests, one at a time.
type worker struct {
	requests *channel
	imager   ingest.Imager
	reader   ingest.MetadataReader
	start    int64 // bytes mapped before the first image
}

// job is a request with its image.
type job struct {
	request
	image *os.File
}

// serve reads ahead of the work, and so notices at once that the parent is gone:
// then it ends, in the middle of an image too.
func (w *worker) serve() int {
	jobs := make(chan job)
	go func() {
		for {
			j, err := w.receive()
			if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
				os.Exit(exitParentGone)
			}
			if err != nil {
				_, _ = os.Stderr.WriteString(err.Error())
				os.Exit(exitProtocol)
			}
			jobs <- j
		}
	}()
	for j := range jobs {
		resp, body := w.answer(j)
		_ = j.image.Close() // it was only read
		resp.Mapped = mapped() - w.start
		if err := writeFrame(w.requests, resp, body...); err != nil {
			return exitParentGone
		}
		w.rest()
	}
	return exitParentGone
}

func (w *worker) receive() (job, error) {
	var j job
	var err error
	if j.image, err = w.requests.receiveFile(); err != nil {
		return j, err
	}
	_, err = readFrame(w.requests, &j.request, 0)
	return j, err
}

// answer does what is asked. It does not recover from a panic: what the engine
// does not foresee ends the worker, which is what a worker is for.
func (w *worker) answer(j job) (response, [][]byte) {
	debug.SetMemoryLimit(restBytes + j.Probe.MemoryBytes)
	allow(j.Probe.MemoryBytes + j.Probe.MemoryBytes/4 + spareBytes*shadow)
	src := ingest.Source{ReaderAt: io.NewSectionReader(j.image, 0, j.Size), Size: j.Size}
	ctx := context.Background() // whoever does not want to wait any more ends the process
	var resp response
	var err error
	switch j.Call {
	case callProbe:
		resp.Probe, err = w.imager.Probe(ctx, src)
	case callDerive:
		resp.Derived, err = w.imager.Derive(ctx, src, j.Probe, j.Specs)
	case callRead:
		resp.Metadata, err = w.reader.Read(ctx, src, j.Probe)
	default:
		err = errors.New("an unknown call")
	}
	resp.Failure = failureOf(err)
	return resp, resp.join()
}

// rest gives back what a large image took.
func (w *worker) rest() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapInuse+m.HeapIdle-m.HeapReleased > keepBytes {
		debug.FreeOSMemory()
	}
}
