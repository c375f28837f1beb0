package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// patience is how long a line of the log is waited for until it is written.
	patience = 100 * time.Millisecond
	// maxWaiting bounds the lines that wait for a reader who takes none.
	maxWaiting = 1 << 20
)

// Patient makes of a writer one that never holds up its caller: a pipe that
// nobody reads must not stop a service for its log. While the writer takes what
// it is given, every Write has written when it returns, so that nothing is lost
// when the process ends. Once a line has taken 100 ms, lines only wait in memory,
// up to a mebibyte and until all of them are taken; more are lost and counted,
// and the next line that is taken says how many. Safe for concurrent use.
func Patient(w io.Writer) io.Writer {
	LogLost.Add(context.Background(), 0) // an alert sees the first only where there was none
	return &patient{out: w}
}

type patient struct {
	out io.Writer

	mu      sync.Mutex
	waiting []line
	size    int // bytes that wait
	writing bool
	stuck   bool // a line took too long, and more wait
	lost    int64
}

type line struct {
	text    []byte
	written chan struct{}
}

func (p *patient) Write(text []byte) (int, error) {
	l, stuck, ok := p.add(text)
	if !ok {
		LogLost.Add(context.Background(), 1)
		return len(text), nil
	}
	if stuck {
		return len(text), nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.written:
	case <-timer.C:
		p.mu.Lock()
		p.stuck = p.writing
		p.mu.Unlock()
	}
	return len(text), nil
}

func (p *patient) add(text []byte) (l line, stuck, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size+len(text) > maxWaiting {
		p.lost++
		return l, p.stuck, false
	}
	l = line{text: bytes.Clone(text), written: make(chan struct{})}
	p.waiting, p.size = append(p.waiting, l), p.size+len(text)
	if !p.writing {
		p.writing = true
		go p.write()
	}
	return l, p.stuck, true
}

// write writes what waits, until nothing does.
func (p *patient) write() {
	for {
		l, lost, more := p.next()
		if !more {
			return
		}
		if lost > 0 {
			_, _ = fmt.Fprintf(p.out, "%d lines of the log were lost here, because nobody took them\n", lost)
		}
		_, _ = p.out.Write(l.text) // there is nowhere to say that the log fails
		p.mu.Lock()
		p.size -= len(l.text)
		p.mu.Unlock()
		close(l.written)
	}
}

func (p *patient) next() (l line, lost int64, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.waiting, p.writing, p.stuck = nil, false, false
		return l, 0, false
	}
	l, p.waiting = p.waiting[0], p.waiting[1:]
	lost, p.lost = p.lost, 0
	return l, lost, true
}
