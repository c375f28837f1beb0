package natsevents

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/event"
)

var benchData = json.RawMessage(`{"manifest":"` + strings.Repeat("x", 1500) + `"}`)

// BenchmarkPublish against BenchmarkWriteFsync is what the bus adds to the
// disk's own time for one synced write.
func BenchmarkPublish(b *testing.B) {
	bus := open(b, b.TempDir())
	if err := bus.Ensure(b.Context(), subscription); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		e := event.Event{ID: fmt.Sprint(i), Source: "/bench", Type: "bench.v1", Data: benchData}
		if err := bus.Publish(b.Context(), topic, e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for b.Loop() {
		if _, err := f.Write(benchData); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is from nothing to ready, and back.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		bus, err := openIn(b.Context(), b.TempDir(), 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := bus.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
