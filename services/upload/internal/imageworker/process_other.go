//go:build !unix

package imageworker

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// Without Unix sockets there are no workers: start says so, the pool does the
// work itself, and nothing else here is reached.

var errNoWorkers = errors.New("imageworker: this system has no processes that an open file can be handed to")

type channel struct{ io.ReadWriteCloser }

func dial() (*channel, error)                   { return nil, errNoWorkers }
func (*channel) receiveFile() (*os.File, error) { return nil, errNoWorkers }
func MemoryFile() (*os.File, error)             { return nil, errNoWorkers }
func readOnly(*os.File) (*os.File, error)       { return nil, errNoWorkers }
func mapped() int64                             { return 0 }
func harden(int64)                              {}
func allow(int64)                               {}
func impossible(error) bool                     { return true }

type process struct {
	timer   *time.Timer
	calls   int
	mapped  int64
	spoiled bool
}

func start(context.Context, setup) (*process, error) { return nil, errNoWorkers }

func (*process) call(context.Context, request, *os.File, int64) (response, []byte, error) {
	return response{}, nil, errNoWorkers
}
func (*process) end()            {}
func (*process) mourn() bool     { return false }
func (*process) epitaph() string { return "" }
