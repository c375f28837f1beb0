package ingest_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// ownSessions is a service that serves sessions itself, with one open for
// content.
func ownSessions(t *testing.T, content string) (s *ingest.Service, session string) {
	store, err := fileblob.Open(t.TempDir(), fileblob.Options{Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	partials, err := store.Partials()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	s = ingest.New(w.cfg, ingest.Ports{
		Blob: w.bucket, Partials: partials, Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
	})
	t.Cleanup(func() { s.Close(t.Context()) })
	opened, err := s.Plan(t.Context(), owner, []ingest.Planned{plannedFor(content)}, "")
	if err != nil || opened[0].Err != nil {
		t.Fatalf("Plan: %+v, %v", opened, err)
	}
	return s, opened[0].Session
}

// begin sends the first bytes of a file and leaves the request open.
func begin(t *testing.T, s *ingest.Service, session, content string, n int) (line *io.PipeWriter, ended <-chan error) {
	body, line := io.Pipe()
	end := make(chan error, 1)
	go func() {
		_, err := s.Send(t.Context(), owner, session, ingest.Chunk{To: int64(len(content)), Total: ingest.Unknown, Body: body})
		end <- err
	}()
	if _, err := io.WriteString(line, content[:n]); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return line, end
}

func rest(content string, from int64) ingest.Chunk {
	return ingest.Chunk{From: from, To: int64(len(content)), Total: ingest.Unknown, Body: strings.NewReader(content[from:])}
}

// The last bytes of a dead connection may be read after the next request has come,
// which gets the session half a second later.
func TestWhatArrivesLateOfADeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := picture(strings.Repeat("late ", blob.PartialStep/2))
		s, session := ownSessions(t, content)
		line, ended := begin(t, s, session, content, blob.PartialStep)
		began, next := time.Now(), make(chan error, 1)
		go func() {
			_, err := s.Send(t.Context(), owner, session, rest(content, 0))
			next <- err
		}()
		time.Sleep(300 * time.Millisecond)
		if _, err := io.WriteString(line, content[blob.PartialStep:blob.PartialStep+1]); err != nil {
			t.Fatal(err)
		}
		if err := <-next; code(err) != "offset_mismatch" || time.Since(began) != 800*time.Millisecond {
			t.Errorf("the next chunk: %v after %v", err, time.Since(began))
		}
		if err := <-ended; code(err) != "upload_locked" {
			t.Errorf("the silent request: %v", err)
		}
		_ = line.Close()
	})
}

// A request that goes on sending keeps its session, however slowly: the others
// are turned away within a second, and may ask at any time.
func TestSlowSenderKeepsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := picture(strings.Repeat("slow ", blob.PartialStep/2))
		s, session := ownSessions(t, content)
		line, ended := begin(t, s, session, content, blob.PartialStep)
		sent := blob.PartialStep
		drip := time.NewTicker(400 * time.Millisecond)
		defer drip.Stop()
		other := make(chan error, 1)
		began := time.Now()
		go func() {
			_, err := s.Send(t.Context(), owner, session, rest(content, 0))
			other <- err
		}()
		for turned := false; !turned; {
			select {
			case err := <-other:
				if turned = true; code(err) != "upload_locked" || time.Since(began) > time.Second {
					t.Errorf("beside a slow request: %v after %v", err, time.Since(began))
				}
			case <-drip.C:
				if _, err := io.WriteString(line, content[sent:sent+1]); err != nil {
					t.Fatal(err)
				}
				sent++
			}
		}
		if p, err := s.Ask(t.Context(), owner, session, ingest.Unknown); err != nil || p.Offset != 0 {
			t.Errorf("asked beside it: %+v, %v", p, err)
		}
		if _, err := io.WriteString(line, content[sent:]); err != nil {
			t.Fatal(err)
		}
		_ = line.Close()
		if err := <-ended; err != nil {
			t.Errorf("the slow request: %v", err)
		}
	})
}

// One that is silent makes room: for the next chunk as soon as half a second has
// passed, for a question when it has. What it brought counts in whole steps.
func TestSilentSenderMakesRoom(t *testing.T) {
	const brought = blob.PartialStep + blob.PartialStep/2
	for name, comes := range map[string]func(*testing.T, *ingest.Service, string, string){
		"a chunk": func(t *testing.T, s *ingest.Service, session, content string) {
			p, err := s.Send(t.Context(), owner, session, rest(content, 0))
			if code(err) != "offset_mismatch" || p.Offset != blob.PartialStep {
				t.Errorf("the next chunk: %+v, %v", p, err)
			}
		},
		"a question": func(t *testing.T, s *ingest.Service, session, _ string) {
			if p, err := s.Ask(t.Context(), owner, session, ingest.Unknown); err != nil || p.Offset != 0 {
				t.Errorf("asked too soon: %+v, %v", p, err)
			}
			time.Sleep(500 * time.Millisecond)
			if p, err := s.Ask(t.Context(), owner, session, ingest.Unknown); err != nil || p.Offset != blob.PartialStep {
				t.Errorf("asked: %+v, %v", p, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				content := picture(strings.Repeat("silent ", blob.PartialStep/2))
				s, session := ownSessions(t, content)
				line, ended := begin(t, s, session, content, brought)
				began := time.Now()
				comes(t, s, session, content)
				if took := time.Since(began); took > 500*time.Millisecond {
					t.Errorf("the silent request had to be waited for: %v", took)
				}
				if err := <-ended; code(err) != "upload_locked" {
					t.Errorf("the silent request: %v", err)
				}
				_ = line.Close() // its client is gone
				p, err := s.Send(t.Context(), owner, session, rest(content, blob.PartialStep))
				if err != nil || p.Outcome == nil || p.Outcome.Original.SHA256 != checksum(content) {
					t.Errorf("the rest: %+v, %v", p, err)
				}
			})
		})
	}
}
