// Package sessiontest checks that a server speaks the protocol of Cloud
// Storage's resumable uploads, as a client of Sajin relies on it: ours, and any
// stand-in for Cloud Storage.
//
// Where the protocol leaves a choice, such as whether bytes that are there
// already are passed over or refused, the suite takes either: one client must
// get along with all of them. It knows the wire only.
// https://cloud.google.com/storage/docs/performing-resumable-uploads
package sessiontest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Step is what every chunk but the last is a multiple of.
const Step = blob.PartialStep

// Harness is a server under test.
type Harness struct {
	// Content is what is sent: more than three steps, and not a whole number of them.
	Content []byte
	// Open opens a session for Content and gives its address.
	Open func(t *testing.T) string
	// Stored is what the store holds for that address; nil for nothing.
	Stored func(t *testing.T, at string) []byte
	// Header goes with every request.
	Header http.Header
	Client *http.Client
	// Lacks names the cases that the server is known to fail, each with what it
	// does instead.
	Lacks map[string]string
}

// Run runs every case against a harness of its own.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			if reason, lacking := h.Lacks[name]; lacking {
				t.Skip(reason)
			}
			if len(h.Content) <= 3*Step || len(h.Content)%Step == 0 {
				t.Fatalf("the content has %d bytes, which is not what the cases need", len(h.Content))
			}
			run(&sender{Harness: h, t: t, at: h.Open(t)})
		})
	}
}

// sender is a client of one session.
type sender struct {
	Harness
	t  *testing.T
	at string
}

// reply is an answer: its status and how many bytes it says are there, -1 where
// it does not say.
type reply struct {
	status int
	have   int
}

func (s *sender) do(ctx context.Context, method, contentRange string, body io.Reader) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.at, body)
	if err != nil {
		return reply{}, fmt.Errorf("make a request: %w", err)
	}
	maps.Copy(req.Header, s.Header)
	if contentRange != "" {
		req.Header.Set("Content-Range", contentRange)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("send a request: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return reply{}, fmt.Errorf("read an answer: %w", err)
	}
	out := reply{status: resp.StatusCode, have: -1}
	if text := resp.Header.Get("Range"); text != "" {
		if _, err := fmt.Sscanf(text, "bytes=0-%d", &out.have); err != nil {
			return out, fmt.Errorf("the header Range is %q: %w", text, err)
		}
		out.have++
	}
	return out, nil
}

func (s *sender) must(method, contentRange string, body io.Reader) reply {
	s.t.Helper()
	r, err := s.do(s.t.Context(), method, contentRange, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// chunk sends Content[from:to].
func (s *sender) chunk(from, to int) reply {
	s.t.Helper()
	return s.must(http.MethodPut, s.rangeOf(from, to), bytes.NewReader(s.Content[from:to]))
}

func (s *sender) rangeOf(from, to int) string {
	return fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(s.Content))
}

func (s *sender) ask() reply {
	s.t.Helper()
	return s.must(http.MethodPut, fmt.Sprintf("bytes */%d", len(s.Content)), nil)
}

// goOn expects that more is to come after so many bytes.
func (s *sender) goOn(r reply, have int) {
	s.t.Helper()
	if r.status != http.StatusPermanentRedirect || max(r.have, 0) != have {
		s.t.Fatalf("answered %d with %d bytes, want 308 with %d", r.status, max(r.have, 0), have)
	}
}

func done(r reply) bool { return r.status == http.StatusOK || r.status == http.StatusCreated }

// whole expects that the object is there.
func (s *sender) whole(r reply) {
	s.t.Helper()
	if !done(r) {
		s.t.Fatalf("answered %d, want 200 or 201", r.status)
	}
	if got := s.Stored(s.t, s.at); !bytes.Equal(got, s.Content) {
		s.t.Fatalf("%d bytes are stored, and are not the %d that were sent", len(got), len(s.Content))
	}
}

// nothing expects that no object is there.
func (s *sender) nothing() {
	s.t.Helper()
	if got := s.Stored(s.t, s.at); got != nil {
		s.t.Errorf("%d bytes are stored, want none", len(got))
	}
}

// refused expects that a request was not taken, and that a client can go on from
// where it was.
func (s *sender) refused(r reply, have int) {
	s.t.Helper()
	if done(r) || (r.status == http.StatusPermanentRedirect && max(r.have, 0) != have) {
		s.t.Errorf("answered %d with %d bytes to what must not be taken", r.status, r.have)
	}
	s.goOn(s.ask(), have)
}

// isOneOf expects a status.
func (s *sender) isOneOf(r reply, statuses ...int) {
	s.t.Helper()
	if !slices.Contains(statuses, r.status) {
		s.t.Errorf("answered %d, want one of %v", r.status, statuses)
	}
}
