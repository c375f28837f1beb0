package acceptance

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/sajin/internal/chaos"
)

// settleWithin is how long the end of such a run may take: what a killed process
// held of the bus comes back after a minute.
const settleWithin = 3 * time.Minute

// TestChaos is the short form of `make chaos`: clients that upload through a
// network that cuts, delays and repeats, while programs are killed. In the end
// nothing acknowledged is lost, nothing is there twice, and nothing is left
// over.
func TestChaos(t *testing.T) {
	t.Parallel() // most of it is a wait for what killed processes held
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	for name, start := range map[string]func(context.Context, string, string, io.Writer) (*chaos.Deployment, error){
		"AllInOne": chaos.AllInOne, "Split": chaos.Split,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := start(t.Context(), t.TempDir(), binaries, t.Output())
			skipWithoutADatabase(t, err)
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			seed := rand.Uint64()
			report, err := chaos.Run(t.Context(), d, chaos.Options{
				Seed: seed, Uploads: 300, Clients: 8, Kill: time.Duration(len(d.Processes)) * time.Second, Patience: 10 * time.Minute, Settle: settleWithin,
			})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, line := range report.Lines() {
				t.Log(line)
			}
			if !report.OK() {
				t.Errorf("seed %d: not everything was as promised", seed)
			}
		})
	}
}
