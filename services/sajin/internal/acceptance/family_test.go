package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// watchFamily notes the highest resident memory of a process and its children
// together, in MiB, until stop. Of the children what is their own counts: the
// program's file is the parent's already.
func watchFamily(t *testing.T, pid int) (stop func() int) {
	t.Helper()
	most, done := 0, make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				most = max(most, family(pid))
			}
		}
	})
	return func() int { close(done); watching.Wait(); return most }
}

func family(pid int) int {
	total := resident(fmt.Sprint(pid), "VmRSS:")
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is right
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread may just have ended
		for child := range strings.FieldsSeq(string(text)) {
			total += resident(child, "RssAnon:")
		}
	}
	return total >> 10
}

// resident is a value of a process's status in KiB; 0 when it has ended.
func resident(pid, field string) int {
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	var kib int
	if _, rest, ok := strings.Cut(string(status), "\n"+field); ok {
		_, _ = fmt.Sscan(rest, &kib)
	}
	return kib
}
