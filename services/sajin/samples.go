package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sajin-gallery/sajin/services/sajin/internal/landscape"
)

// maxSamples bounds -count of samples: they take half a second and 300 kB each.
const maxSamples = 1000

// samplesCommand is sajin samples.
func samplesCommand(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("sajin samples", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	count := flags.Int("count", 24, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return helped(stdout, err)
	case err != nil:
		return usageError("%w", err)
	case flags.NArg() != 1:
		return usageError("name the one folder that the pictures go to")
	case *count < 1 || *count > maxSamples:
		return usageError("-count must be 1 to %d, not %d", maxSamples, *count)
	}
	for number := range *count {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := drawSample(flags.Arg(0), number); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "%d pictures are in %s.\n", *count, flags.Arg(0))
	return err
}

// drawSample writes one picture, always the same for a number. It was taken,
// says the file's time, by the light that it shows, nine days before the one
// with the number before it.
func drawSample(dir string, number int) error {
	scene := landscape.New(uint64(number)) //nolint:gosec // of at most maxSamples
	place, width, height := "Mountains", 1620, 1080
	if scene.Lake() {
		place = "Lakes"
	}
	if number%5 == 4 {
		width, height = 1080, 1440
	}
	name := filepath.Join(dir, place, fmt.Sprintf("%s-%03d.jpg", scene.Light(), number+1))
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = jpeg.Encode(w, scene.Draw(width, height), &jpeg.Options{Quality: 88})
	if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
		return err
	}
	taken := time.Date(2026, 10, 30, scene.Hour(), 7*number%60, 0, 0, time.UTC).AddDate(0, 0, -9*number)
	return os.Chtimes(name, taken, taken)
}
