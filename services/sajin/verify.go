package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/stores"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/sajin/internal/display"
	"github.com/sajin-gallery/sajin/services/sajin/internal/verify"
)

const (
	// inWork is how old an original without a manifest is before it counts: twice
	// what processing one image may take.
	inWork = 10 * time.Minute
	// maxReadsAtOnce bounds -concurrency of verify.
	maxReadsAtOnce = 64
	// maxReceiptFile bounds a receipt that is read: 300 bytes for each of a million
	// pictures.
	maxReceiptFile = 300 << 20
)

// verifyCommand is sajin verify.
func verifyCommand(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("sajin verify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	all := flags.Bool("all", false, "")
	data := flags.String("data", "", "")
	concurrency := flags.Int("concurrency", 4, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return err
	case err != nil:
		return usageError("%w", err)
	case *all == (flags.NArg() > 0):
		return usageError("name the receipts to look for, or say -all")
	case *concurrency < 1 || *concurrency > maxReadsAtOnce:
		return usageError("-concurrency must be 1 to %d, not %d", maxReadsAtOnce, *concurrency)
	}
	receipts, err := readReceipts(flags.Args())
	if err != nil {
		return err
	}
	media, err := openMedia(ctx, *data)
	if err != nil {
		return err
	}
	defer func() { _ = media.Close() }() // it was only read
	return verifyMedia(ctx, stdout, media, receipts, *concurrency)
}

// openMedia opens the media store that a gallery with this configuration has.
func openMedia(ctx context.Context, data string) (stores.Reader, error) {
	environ := os.Environ()
	if data != "" {
		environ = append(environ, "SAJIN_DATA_DIR="+data)
	}
	var common config.Common
	var adapters platform.Config
	if err := config.Load(environ, &common, &adapters); err != nil {
		return nil, fmt.Errorf("%w:\n%w", process.ErrConfig, err)
	}
	process.SetLog(&common, os.Stderr)
	if err := adapters.Embedded(common.DataDir); err != nil {
		return nil, err
	}
	return stores.OpenReader(ctx, adapters)
}

func readReceipts(names []string) ([]uploadapi.Receipt, error) {
	var out []uploadapi.Receipt
	for _, name := range names {
		r, err := readReceipt(name)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func readReceipt(name string) (uploadapi.Receipt, error) {
	var r uploadapi.Receipt
	file, err := os.Open(name)
	if err != nil {
		return r, fmt.Errorf("the receipt cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := json.NewDecoder(io.LimitReader(file, maxReceiptFile)).Decode(&r); err != nil {
		return r, fmt.Errorf("%s is no receipt: %w", name, err)
	}
	if r.Version != uploadapi.ReceiptVersion {
		return r, fmt.Errorf("%s is no receipt of version %d", name, uploadapi.ReceiptVersion)
	}
	return r, nil
}

// verifyMedia looks, and writes every difference on a line of its own.
func verifyMedia(ctx context.Context, stdout io.Writer, media verify.Bucket, receipts []uploadapi.Receipt, concurrency int) error {
	shown := display.NewReading(stdout)
	var mu sync.Mutex
	differences := 0
	o := verify.Options{Concurrency: concurrency, Young: inWork, Now: time.Now, Read: shown.Read, Found: func(d verify.Difference) {
		mu.Lock()
		defer mu.Unlock()
		differences++
		shown.Line(fmt.Sprintf("%s %s %q %s: %s", d.Code, d.ID, d.Name, d.Key, d.Detail))
	}}
	total, err := look(ctx, media, receipts, o)
	shown.Wait()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "%d originals were read, %d differences were found.\n", total.Images, differences)
	if total.Young > 0 {
		_, _ = fmt.Fprintf(stdout, "%d originals have no manifest yet and may be in work.\n", total.Young)
	}
	if differences > 0 {
		return fmt.Errorf("%d differences", differences)
	}
	return nil
}

// look verifies the receipts, or everything where there are none.
func look(ctx context.Context, media verify.Bucket, receipts []uploadapi.Receipt, o verify.Options) (verify.Report, error) {
	if len(receipts) == 0 {
		return verify.All(ctx, media, o)
	}
	var total verify.Report
	for _, r := range receipts {
		report, err := verify.Receipt(ctx, media, r, o)
		if err != nil {
			return total, err
		}
		total.Images += report.Images
	}
	return total, nil
}
