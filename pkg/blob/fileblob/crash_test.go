package fileblob

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// crashDirEnv makes the test binary write to a store until it is killed.
const crashDirEnv = "FILEBLOB_TEST_CRASH_DIR"

// The writers of a child: each has keys of its own, which it creates,
// overwrites and deletes, in folders that appear and vanish.
const crashWriters = 4

func crashKey(writer, i int) string { return fmt.Sprintf("day%d/%d/%d.jpg", i%3, writer, i%5) }

// crashBody gives bytes that tell which write they are of.
func crashBody(writer, i int) string {
	return strings.Repeat(fmt.Sprintf("%d:%d;", writer, i), 1+(i*7919)%30_000)
}

// writeUntilKilled says "try" before and "put" after each Put, "del" before and
// "gone" after each Delete, with the numbers of the writer and the write.
func writeUntilKilled(dir string) int {
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	var (
		writers sync.WaitGroup
		out     sync.Mutex
	)
	say := func(verb string, writer, i int) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(verb, writer, i) // one write(2): the line is whole or not there
	}
	for w := range crashWriters {
		writers.Go(func() {
			for i := 0; ; i++ {
				opts := blob.WriteOptions{Metadata: map[string]string{"write": fmt.Sprint(i)}}
				say("try", w, i)
				if _, err := s.Put(context.Background(), crashKey(w, i), strings.NewReader(crashBody(w, i)), opts); err != nil {
					fmt.Println("put:", err)
					return
				}
				say("put", w, i)
				if i%4 == 3 {
					say("del", w, i)
					if err := s.Delete(context.Background(), crashKey(w, i)); err != nil {
						fmt.Println("delete:", err)
						return
					}
					say("gone", w, i)
				}
			}
		})
	}
	writers.Wait()
	return 1
}

// crashState is what a child's output says about one key.
type crashState struct {
	tried, stored int  // the last write begun and acknowledged, not yet deleted; -1 for none
	deleting      bool // it may be gone
}

// runChild starts a child, kills it once it has said so many lines and the
// delay has passed, and returns all it has said.
func runChild(t *testing.T, dir string, lines int, delay time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for scan := bufio.NewScanner(stdout); scan.Scan(); {
		said = append(said, scan.Text())
		if len(said) == lines {
			time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // "signal: killed"
	if len(said) < lines {
		t.Fatalf("the child stopped by itself: %q", said)
	}
	return said
}

// follow reads what a child has said into the states of the keys.
func follow(t *testing.T, said []string) map[string]*crashState {
	t.Helper()
	states := map[string]*crashState{}
	for _, line := range said {
		var (
			verb      string
			writer, i int
		)
		if _, err := fmt.Sscanf(line, "%s %d %d", &verb, &writer, &i); err != nil {
			t.Fatalf("the child said %q", line)
		}
		key := crashKey(writer, i)
		if states[key] == nil {
			states[key] = &crashState{tried: -1, stored: -1}
		}
		switch state := states[key]; verb {
		case "try":
			state.tried = i
		case "put":
			*state = crashState{tried: i, stored: i}
		case "del":
			state.deleting = true
		case "gone":
			*state = crashState{tried: -1, stored: -1}
		}
	}
	return states
}

// TestKill9 kills a process that writes, at many instants, and looks at what
// is left: all that was acknowledged, whole, and nothing partial.
func TestKill9(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		dir := t.TempDir()
		said := runChild(t, dir, 20+40*round, time.Duration(round*311)*time.Microsecond)
		s := mustOpen(t, dir, Options{})
		wantFiles(t, filepath.Join(dir, tempDir))
		states := follow(t, said)
		for key, state := range states {
			checkCrashed(t, s, key, *state)
		}
		err := blob.Each(t.Context(), s, "", func(info blob.Info) error {
			mustRead(t, s, info.Key) // whole, or its checksum would fail
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// checkCrashed compares a key with what was acknowledged. The write that was
// under way may have happened, and nobody was told.
func checkCrashed(t *testing.T, s *Store, key string, state crashState) {
	t.Helper()
	info, err := s.Stat(t.Context(), key)
	if errors.Is(err, blob.ErrNotFound) {
		if state.stored >= 0 && !state.deleting {
			t.Errorf("%q was acknowledged and is lost (%+v)", key, state)
		}
		return
	}
	if err != nil {
		t.Errorf("Stat(%q): %v", key, err)
		return
	}
	var writer, write int
	body, _, err := s.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("reading %q: %v", key, err)
	}
	if _, err := fmt.Sscanf(string(data), "%d:%d;", &writer, &write); err != nil || string(data) != crashBody(writer, write) ||
		info.Metadata["write"] != fmt.Sprint(write) {
		t.Errorf("%q is no whole write: %d bytes, %+v", key, len(data), info)
	}
	if write != state.stored && write != state.tried {
		t.Errorf("%q holds write %d; %+v", key, write, state)
	}
}
