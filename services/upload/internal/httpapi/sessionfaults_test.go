package httpapi_test

import (
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// A process that ends at any point loses nothing that was acknowledged, and
// what it had begun is done once.
func TestSessionsSurviveTheProcess(t *testing.T) {
	s := newServer(t)
	cfg := ingest.Defaults()
	cfg.TempDir = t.TempDir()
	restart := func() { s.stop(); s.start(cfg) }
	content := large(t)
	planned := s.open(content)
	at := planned.SessionURL
	restart()
	s.chunk(at, content, 0, step).is(t, 308, "", step)
	s.stop()
	s.damage(at)
	s.start(cfg)
	s.ask(at, "*").is(t, 308, "", step)
	s.chunk(at, content, step, 2*step).is(t, 308, "", 2*step)
	restart()
	s.chunk(at, content, 2*step, len(content)).is(t, 201, "", 0)
	restart()
	s.ask(at, "*").is(t, 200, "", 0)
	if n := len(s.bucket.Keys(contract.PrefixOriginals)); n != 1 {
		t.Errorf("%d originals are stored, want 1", n)
	}
}

// Whatever call of the bucket or the bus fails after the last byte: the session
// gives the image in the end, once, by asking or by the sweep.
func TestSessionCompletesAfterEveryFailure(t *testing.T) {
	for _, mode := range ingesttest.Modes {
		for call := 1; ; call++ {
			s := newServer(t)
			content := jpegOf(t, image.NewGray(image.Rect(0, 0, 40, 30)))
			at := s.open(content).SessionURL
			s.faults.Arm(call, mode)
			first := s.chunk(at, content, 0, len(content))
			hit := s.faults.Disarm()
			if hit == "" {
				break
			}
			if strings.HasSuffix(hit, " partial") { // TestSessionGoesOnAfterEveryFailure
				continue
			}
			if first.status != 201 && first.status != 503 {
				t.Errorf("%s %s: answered %d %s", mode, hit, first.status, first.problem.Code)
			}
			s.clock.Add(60) // then nobody else is at the image any more
			if call%2 == 0 && first.status == 503 {
				s.sweep(1)
			}
			s.ask(at, "*").is(t, 200+btoi(first.status == 503 && call%2 == 1), "", 0)
			s.clock.Add(3600)
			if _, err := s.core.SweepBy(t.Context(), ingest.Order{Now: s.now()}); err != nil {
				t.Error(err)
			}
			if n := len(s.bucket.Keys(contract.PrefixOriginals)); n != 1 {
				t.Errorf("%s %s: %d originals are stored, want 1", mode, hit, n)
			}
		}
	}
}

// Whatever call fails while a file arrives in chunks: a client that asks how far
// it has come, and goes on from there, brings it in, once and as it is.
func TestSessionGoesOnAfterEveryFailure(t *testing.T) {
	content := jpegOf(t, image.NewGray(image.Rect(0, 0, 40, 30))) + strings.Repeat("\x00", 2*step)
	for _, mode := range ingesttest.Modes {
		for call := 1; ; call++ {
			s := newServer(t)
			at := s.open(content).SessionURL
			s.faults.Arm(call, mode)
			hit := s.persist(at, content)
			if hit == "" {
				if call < 10 {
					t.Fatalf("a file in chunks makes only %d calls", call-1)
				}
				break
			}
			s.clock.Add(3600)
			if _, err := s.core.SweepBy(t.Context(), ingest.Order{Now: s.now()}); err != nil {
				t.Error(err)
			}
			keys := s.bucket.Keys(contract.PrefixOriginals)
			if len(keys) != 1 || string(s.bucket.Data(keys[0])) != content {
				t.Errorf("%s %s: %d originals are stored, want the one that was sent", mode, hit, len(keys))
			}
		}
	}
}

// persist sends a file chunk by chunk until it is whole, and tells which call
// failed. A process that crashed is back a minute later, when the client asks.
func (s *server) persist(at, content string) (hit string) {
	s.t.Helper()
	offset := 0
	for range 20 {
		a := s.chunk(at, content, offset, min(offset+step, len(content)))
		for a.status == http.StatusServiceUnavailable {
			hit += s.faults.Disarm()
			s.clock.Add(60) // then nobody else is at the image any more
			a = s.ask(at, "*")
		}
		if a.status == http.StatusOK || a.status == http.StatusCreated {
			return hit + s.faults.Disarm()
		}
		if a.status != http.StatusPermanentRedirect {
			s.t.Fatalf("a chunk at %d was answered with %d %s", offset, a.status, a.problem.Code)
		}
		if offset = 0; a.have != "" {
			if _, err := fmt.Sscanf(a.have, "bytes=0-%d", &offset); err != nil {
				s.t.Fatal(err)
			}
			offset++
		}
	}
	s.t.Fatal("the file did not come to its end")
	return hit
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Of a chunk that is cut off, what came in whole steps is kept.
func TestSessionKeepsWhatCame(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	body, writer := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.http.URL+at, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)))
	req.Header.Set(identity.OwnerHeader, owner)
	go func() {
		_, _ = io.WriteString(writer, content[:2*step+10])
		_ = writer.CloseWithError(errors.New("the train is in a tunnel"))
	}()
	if resp, err := s.http.Client().Do(req); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("a request that was cut off was answered with %d", resp.StatusCode)
	}
	s.eventually(func() bool { return s.ask(at, "*").have != "" })
	s.ask(at, "*").is(t, 308, "", 2*step)
	s.eventually(func() bool { // the one that was cut off has let go
		return s.chunk(at, content, 0, step).status == 409
	})
	s.chunk(at, content, 2*step, len(content)).is(t, 201, "", 0)
}

// eventually asks again and again.
func (s *server) eventually(is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			s.t.Fatal("it did not come to that")
		}
	}
}
