package buses_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/buses"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// A service that runs on its own has no server in it: it says so, and what to set
// instead, and makes no files.
func TestAServerInTheProcessIsForTheAllInOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "events")
	kit := platform.Kit{Events: buses.Open}
	_, err := kit.Open(t.Context(), platform.Config{EventsURL: "nats+embedded://" + filepath.ToSlash(dir)}, platform.Events)
	if !errors.Is(err, process.ErrConfig) || !strings.Contains(err.Error(), "SAJIN_EVENTS_URL") || !strings.Contains(err.Error(), "pubsub or nats") {
		t.Errorf("Open: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("there are files: %v", err)
	}
}
