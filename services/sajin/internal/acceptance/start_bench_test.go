package acceptance

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// What is hoped of catalog and web, which people wait for when a service has
// slept: 150 ms until ready, 40 MiB while idle.
const (
	hopedStartMS = 150
	hopedIdleMiB = 40
)

// quiet is how long a service is left alone before its idle memory is read, but
// for the probes that ask every second whether it is ready.
const quiet = 10 * time.Second

// BenchmarkServiceStart is the time from the start of each service's process, in
// the split deployment and with people's accounts in a database, to the first 200
// on ready; and its resident memory, when it is ready and has been quiet for a
// while. The engines run; the first start, which migrates and fills the page
// cache, is not counted.
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
	s.Process("web").Tell("SAJIN_AUTH=password", "SAJIN_WEB_DATABASE_URL="+s.DatabaseURL())
	for _, name := range []string{"upload", "catalog", "web"} {
		startAgain(b, s.Process(name))
		b.Run(name, func(b *testing.B) { measureStart(b, s.Process(name)) })
	}
}

func startAgain(b *testing.B, p *stack.Process) {
	b.Helper()
	if err := errors.Join(p.Stop(), p.Start(b.Context())); err != nil {
		b.Fatal(err)
	}
}

func measureStart(b *testing.B, p *stack.Process) {
	b.StopTimer()
	for range b.N {
		if err := p.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := p.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/hopedStartMS, "x-hoped-start")
	idle, own := memory(b, p.PID(), "VmRSS"), memory(b, p.PID(), "RssAnon")
	for until := time.Now().Add(quiet); time.Now().Before(until); time.Sleep(time.Second) {
		if !stack.Answers(b.Context(), p.URL()+"/healthz/ready") {
			b.Fatal("it is no longer ready")
		}
		idle, own = max(idle, memory(b, p.PID(), "VmRSS")), max(own, memory(b, p.PID(), "RssAnon"))
	}
	b.ReportMetric(float64(idle)/hopedIdleMiB, "x-hoped-memory")
	b.ReportMetric(float64(idle), "idle-MiB")
	b.ReportMetric(float64(own), "own-MiB")
}
