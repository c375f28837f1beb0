package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// cases are the protocol. Their names are what Harness.Lacks refers to.
var cases = map[string]func(*sender){
	"Chunks":         chunks,
	"WholeAtOnce":    wholeAtOnce,
	"Status":         status,
	"UnknownTotal":   unknownTotal,
	"ResumeAfterCut": resumeAfterCut,
	"HalfOpen":       halfOpen,
	"Multiples":      multiples,
	"Gap":            gap,
	"Resent":         resent,
	"SizeBound":      sizeBound,
	"FinishedRepeat": finishedRepeat,
	"Cancel":         cancel,
	"TwoWriters":     twoWriters,
}

func chunks(s *sender) {
	for from := 0; from+Step < len(s.Content); from += Step {
		s.goOn(s.chunk(from, from+Step), from+Step)
		s.nothing()
	}
	s.whole(s.chunk(len(s.Content)/Step*Step, len(s.Content)))
}

func wholeAtOnce(s *sender) {
	s.whole(s.must(http.MethodPut, "", bytes.NewReader(s.Content)))
}

func status(s *sender) {
	s.goOn(s.ask(), 0)
	s.goOn(s.must(http.MethodPut, "bytes */*", nil), 0)
	s.goOn(s.chunk(0, 2*Step), 2*Step)
	s.goOn(s.ask(), 2*Step)
	s.goOn(s.ask(), 2*Step) // asking changes nothing
	s.whole(s.chunk(2*Step, len(s.Content)))
}

func unknownTotal(s *sender) {
	s.goOn(s.must(http.MethodPut, fmt.Sprintf("bytes 0-%d/*", Step-1), bytes.NewReader(s.Content[:Step])), Step)
	s.whole(s.chunk(Step, len(s.Content)))
}

// recovery bounds the wait until a server has noticed that a client is gone.
const recovery = 20 * time.Second

// resumeAfterCut cuts the connection within a chunk, asks, and goes on.
func resumeAfterCut(s *sender) {
	s.goOn(s.chunk(0, Step), Step)
	ctx, hangUp := context.WithCancel(s.t.Context())
	body, writer := io.Pipe()
	go func() {
		_, _ = writer.Write(s.Content[Step : 2*Step+Step/2])
		hangUp()
		_ = writer.CloseWithError(errors.New("the line is down"))
	}()
	if _, err := s.do(ctx, http.MethodPut, s.rangeOf(Step, len(s.Content)), body); err == nil {
		s.t.Fatal("a request that was cut off was answered")
	}
	s.nothing()
	for deadline := time.Now().Add(recovery); ; {
		r := s.ask()
		if r.status != http.StatusPermanentRedirect || r.have < Step || r.have%Step != 0 || r.have > 2*Step {
			s.t.Fatalf("after the cut: %d with %d bytes", r.status, r.have)
		}
		if r = s.chunk(r.have, len(s.Content)); done(r) {
			s.whole(r)
			return
		}
		// The server may not have let go of the cut request yet, or have moved on since.
		s.isOneOf(r, http.StatusConflict, http.StatusLocked, http.StatusServiceUnavailable)
		if time.Now().After(deadline) {
			s.t.Fatal("the session did not recover")
		}
	}
}

// halfOpen leaves a request open in the middle of a chunk, as a client does whose
// connection died without a word; the same client comes again and goes on.
func halfOpen(s *sender) {
	s.goOn(s.chunk(0, Step), Step)
	body, writer := io.Pipe()
	ctx, hangUp := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = s.do(ctx, http.MethodPut, s.rangeOf(Step, len(s.Content)), body) // whatever it is told, nobody hears it
	}()
	defer func() {
		hangUp()
		_ = writer.CloseWithError(errors.New("the line was down"))
		<-ended
	}()
	if _, err := writer.Write(s.Content[Step : 2*Step+Step/2]); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(overtaking); ; {
		r := s.ask()
		if r.status != http.StatusPermanentRedirect || r.have < Step || r.have%Step != 0 || r.have > 2*Step {
			s.t.Fatalf("beside a request that is silent: %d with %d bytes", r.status, r.have)
		}
		if r = s.chunk(r.have, len(s.Content)); done(r) {
			s.whole(r)
			s.whole(s.ask())
			return
		}
		s.isOneOf(r, http.StatusConflict, http.StatusLocked, http.StatusServiceUnavailable)
		if time.Now().After(deadline) {
			s.t.Fatal("the silent request keeps the session")
		}
	}
}

// overtaking bounds the wait for the session of a silent request: far below what
// a server waits for the next byte of a body.
const overtaking = 30 * time.Second

// multiples sends a chunk that is neither the last nor a multiple of a step: no
// more than whole steps of it count.
func multiples(s *sender) {
	r := s.chunk(0, Step+1000)
	s.isOneOf(r, http.StatusPermanentRedirect, http.StatusBadRequest)
	have := max(s.ask().have, 0)
	if have != 0 && have != Step {
		s.t.Fatalf("%d bytes are there", have)
	}
	s.whole(s.chunk(have, len(s.Content)))
}

func gap(s *sender) {
	s.refused(s.chunk(Step, 2*Step), 0)
	s.goOn(s.chunk(0, Step), Step)
	s.refused(s.chunk(2*Step, len(s.Content)), Step)
	s.whole(s.chunk(Step, len(s.Content)))
}

// resent sends what is there once more; nothing is there twice.
func resent(s *sender) {
	s.goOn(s.chunk(0, 2*Step), 2*Step)
	for _, r := range []reply{s.chunk(0, 2*Step), s.chunk(0, Step), s.chunk(Step, 2*Step)} {
		s.isOneOf(r, http.StatusPermanentRedirect, http.StatusConflict)
		if r.have != 2*Step {
			s.t.Errorf("answered %d with %d bytes, want %d", r.status, r.have, 2*Step)
		}
	}
	s.whole(s.chunk(2*Step, len(s.Content)))
}

func sizeBound(s *sender) {
	n := len(s.Content)
	s.goOn(s.chunk(0, 2*Step), 2*Step)
	longer := append(bytes.Clone(s.Content[2*Step:]), 'x')
	for _, total := range []string{"*", fmt.Sprint(n + 1), fmt.Sprint(n)} {
		s.refused(s.must(http.MethodPut, fmt.Sprintf("bytes %d-%d/%s", 2*Step, n, total), bytes.NewReader(longer)), 2*Step)
	}
	s.refused(s.must(http.MethodPut, fmt.Sprintf("bytes %d-%d/%d", 2*Step, 3*Step-1, 3*Step), bytes.NewReader(s.Content[2*Step:3*Step])), 2*Step)
	s.nothing()
	s.whole(s.chunk(2*Step, n))
}

// finishedRepeat asks for the last answer again, as a client does that lost it.
func finishedRepeat(s *sender) {
	s.goOn(s.chunk(0, 3*Step), 3*Step)
	s.whole(s.chunk(3*Step, len(s.Content)))
	s.whole(s.ask())
	s.whole(s.chunk(3*Step, len(s.Content)))
	s.whole(s.ask())
}

func cancel(s *sender) {
	s.goOn(s.chunk(0, Step), Step)
	const clientClosed = 499 // Cloud Storage's own status
	s.isOneOf(s.must(http.MethodDelete, "", nil), clientClosed)
	for _, r := range []reply{s.ask(), s.chunk(Step, len(s.Content)), s.must(http.MethodDelete, "", nil)} {
		s.isOneOf(r, http.StatusNotFound, http.StatusGone, clientClosed)
	}
	s.nothing()
}

// writers send the same bytes at the same time.
const writers = 6

// twoWriters lets several clients send the same file through one session, each
// as if it were alone: the file is right, and nobody is told anything wrong.
func twoWriters(s *sender) {
	for from := 0; from < len(s.Content); from += Step {
		to := min(from+Step, len(s.Content))
		replies, errs := make([]reply, writers), make([]error, writers)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				replies[i], errs[i] = s.do(s.t.Context(), http.MethodPut, s.rangeOf(from, to), bytes.NewReader(s.Content[from:to]))
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			s.t.Fatal(err)
		}
		taken := 0
		for _, r := range replies {
			if done(r) || (r.status == http.StatusPermanentRedirect && r.have == to) {
				taken++
				continue
			}
			s.isOneOf(r, http.StatusConflict, http.StatusLocked, http.StatusTooManyRequests, http.StatusServiceUnavailable)
		}
		if taken == 0 {
			s.t.Errorf("at %d nobody was taken", from)
		}
	}
	s.whole(s.ask())
}
