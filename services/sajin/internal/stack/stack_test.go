package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who comes in is asked before anything is started, and what a stack has nobody
// for is refused.
func TestAStackKnowsWhoCanSayWhoComesIn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, err := Start(t.Context(), Options{Auth: "iap", Dir: dir, Out: t.Output()})
	if err == nil || !strings.Contains(err.Error(), `"iap"`) || !strings.Contains(err.Error(), "none or password") {
		t.Errorf("Start: %v, want it to say what there is", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was started")
	}
}
