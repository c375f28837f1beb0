//go:build unix

package imageworker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// startTimeout is how long a worker may take until it is ready; it takes 15 ms.
const startTimeout = 10 * time.Second

// process is a worker, seen from the parent. One call at a time.
type process struct {
	*channel
	cmd    *exec.Cmd
	said   *firstWords
	done   chan struct{} // closed when the process has ended
	calls  int
	mapped int64 // as it said last
	// spoiled says that it must not be given another image.
	spoiled bool
	timer   *time.Timer // ends it, while it is idle
}

// start starts a worker and waits until it is ready.
func start(ctx context.Context, s setup) (*process, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }() // the worker has its own
	p := &process{channel: ours, said: &firstWords{}, done: make(chan struct{})}
	if p.cmd, err = command(s, theirs, p.said); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("imageworker: start: %w", err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if _, _, err := p.await(ctx, 0); err != nil {
		p.end()
		return nil, fmt.Errorf("imageworker: it did not become ready: %w; %s", err, p.epitaph())
	}
	return p, nil
}

func command(s setup, socket *os.File, stderr *firstWords) (*exec.Cmd, error) {
	config, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	program, err := ownProgram()
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{
		Path: program, Args: []string{workerName, string(config)}, Dir: "/",
		Env:        []string{"GOMAXPROCS=2", "GOTRACEBACK=single"}, // one for the image, one for the rest
		ExtraFiles: []*os.File{socket}, Stderr: stderr,
		SysProcAttr: attributes(), WaitDelay: time.Second,
	}, nil
}

// call sends a request and waits for the answer. An error means that the worker
// is of no use any more, and must be ended.
func (p *process) call(ctx context.Context, req request, image *os.File, maxBody int64) (response, []byte, error) {
	p.calls++
	if err := p.sendFile(image); err != nil {
		return response{}, nil, err
	}
	if err := writeFrame(p, req); err != nil {
		return response{}, nil, err
	}
	return p.await(ctx, maxBody)
}

// await reads an answer, or stops when ctx ends.
func (p *process) await(ctx context.Context, maxBody int64) (response, []byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = p.SetReadDeadline(time.Unix(1, 0)) })
	var resp response
	body, err := readFrame(p, &resp, maxBody)
	if !stop() {
		p.spoiled = true // its deadline may be set at any moment
	}
	p.mapped = resp.Mapped
	return resp, body, err
}

// end kills the worker and waits until it is gone, with all its memory.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // an error says that it has ended already
	_ = p.Close()
	<-p.done
}

// mourn waits a moment for a worker to end by itself, so that its reason is
// known, and then ends it. It reports whether it had a reason of its own: an
// exit or a signal that nobody else sent.
func (p *process) mourn() (own bool) {
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
	p.end()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && (status.Exited() || status.Signaled() && status.Signal() != syscall.SIGKILL)
}

// epitaph says for the log how the worker ended. It must have.
func (p *process) epitaph() string { return fmt.Sprintf("%s: %s", p.cmd.ProcessState, p.said) }

// firstWords keep the beginning of what a worker writes to its standard error:
// of a crash, what it died of.
type firstWords struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const maxWordsBytes = 400

func (w *firstWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b[:min(len(b), maxWordsBytes-w.text.Len())])
	return len(b), nil
}

func (w *firstWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%q", w.text.String())
}

// impossible reports whether an error says that no process can be started here,
// now or later.
func impossible(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrNotExist)
}
