// Command chaos uploads to a Sajin of its own through a network that cuts,
// delays and repeats, while the programs are killed, and audits what is left:
// `make chaos`. It prints its seed, ends with status 1 if anything is not as it
// was promised, and then keeps the data.
package main

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"time"

	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/sajin/internal/chaos"
)

func main() { os.Exit(process.Main("chaos", os.Stderr, run)) }

func run(ctx context.Context) error {
	var o chaos.Options
	flag.Uint64Var(&o.Seed, "seed", 0, "repeat the plan of this seed; 0 draws one")
	flag.IntVar(&o.Uploads, "uploads", 10_000, "how many files")
	flag.IntVar(&o.Clients, "clients", 50, "how many clients at once")
	flag.DurationVar(&o.Kill, "kill", 5*time.Second, "how often a program is killed")
	flag.DurationVar(&o.Patience, "patience", 30*time.Minute, "the most that the uploads may take")
	flag.DurationVar(&o.Settle, "settle", 5*time.Minute, "after them, until everything must be as promised")
	which := flag.String("deployment", "all-in-one,split", "which to try")
	dir := flag.String("data", "sajin-chaos", "the folder for the programs, and for what went wrong")
	flag.Parse()
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return chaos.Try(ctx, *dir, *which, o, os.Stdout)
}
