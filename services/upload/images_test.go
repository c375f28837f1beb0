package upload_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload"
)

// Images are worked on in processes of their own unless that is not wanted, and
// the processes go when the service does.
func TestImagesAreDecodedInProcessesOfTheirOwn(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("processes are counted in /proc, which is not here")
	}
	before := children(t)
	for mode, want := range map[string]bool{"process": true, "inprocess": false} {
		s := newSite(t)
		s.listen("test")
		svc, stop := s.run(func(c *upload.Config, _ *upload.Deps) { c.Workers = mode })
		contentType, body := formOf(photograph(t, 80, 60))
		if _, err := client(t, svc.Handler()).Upload(asAnna(t.Context()), contentType, -1, body); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		s.heard("test", contract.TypeImageUploaded, 1)
		if got := len(children(t)) > len(before); got != want {
			t.Errorf("%s: the service has processes %v, before %v", mode, children(t), before)
		}
		stop()
		if after := children(t); !slices.Equal(before, after) {
			t.Errorf("%s: there were the processes %v, and there are %v", mode, before, after)
		}
	}
}

// children are the ids of this process's own.
func children(t *testing.T) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err == nil { // else the thread has ended
			out = append(out, strings.Fields(string(text))...)
		}
	}
	slices.Sort(out)
	return out
}
