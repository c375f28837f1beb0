package acceptance

import (
	"io"
	"testing"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// What is hoped of catalog and web, which people wait for when a service has
// slept: 150 ms until ready, 40 MiB while idle.
const (
	hopedStartMS = 150
	hopedIdleMiB = 40
)

// BenchmarkServiceStart is the time from the start of each service's process, in
// the split deployment, to the first 200 on ready, and its resident memory then.
// The engines run; the first start, which migrates and fills the page cache, is
// not counted.
func BenchmarkServiceStart(b *testing.B) {
	s, err := stack.Start(b.Context(), stack.Options{Dir: b.TempDir(), Bin: binaries, Out: io.Discard, FakePubSub: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	for _, name := range []string{"upload", "catalog", "web"} {
		b.Run(name, func(b *testing.B) { measureStart(b, s.Process(name)) })
	}
}

func measureStart(b *testing.B, p *stack.Process) {
	b.StopTimer()
	idle, own := 0, 0
	for range b.N {
		if err := p.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := p.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		idle, own = max(idle, memory(b, p.PID(), "VmRSS")), max(own, memory(b, p.PID(), "RssAnon"))
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/hopedStartMS, "x-hoped-start")
	b.ReportMetric(float64(idle)/hopedIdleMiB, "x-hoped-memory")
	b.ReportMetric(float64(idle), "idle-MiB")
	b.ReportMetric(float64(own), "own-MiB")
}
