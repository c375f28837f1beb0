package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/sajin/internal/display"
	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

// clientConfig is what the commands that talk to a gallery read.
type clientConfig struct {
	Server string `env:"SERVER" envDefault:"http://127.0.0.1:8080"`
	Token  string `env:"TOKEN"` // sent to the gallery as a bearer token
}

// sending is what the commands that send pictures have in common.
type sending struct {
	clientConfig
	album       string
	concurrency int
	receipt     string
	dryRun      bool
	flags       *flag.FlagSet
}

func newSending(name string) *sending {
	s := &sending{flags: flag.NewFlagSet("sajin "+name, flag.ContinueOnError)}
	s.flags.SetOutput(io.Discard)
	s.flags.StringVar(&s.Server, "server", "", "")
	s.flags.StringVar(&s.album, "album", "", "")
	s.flags.IntVar(&s.concurrency, "concurrency", 4, "")
	s.flags.StringVar(&s.receipt, "receipt", "", "")
	s.flags.BoolVar(&s.dryRun, "dry-run", false, "")
	return s
}

// misuse is a command line that cannot be meant. It ends the program as a wrong
// configuration does, and says nothing of one.
type misuse struct{ error }

func (misuse) Is(target error) bool { return target == process.ErrConfig }
func (m misuse) Unwrap() error      { return m.error }

func usageError(format string, args ...any) error {
	return misuse{fmt.Errorf("%w; sajin help says how", fmt.Errorf(format, args...))}
}

// parse reads the words of the command line, some of which name what to send.
func (s *sending) parse(args []string) error {
	if err := s.parseFlags(args); err != nil {
		return err
	}
	if s.flags.NArg() == 0 {
		return usageError("there is nothing to send: name files or folders")
	}
	return nil
}

// parseFlags reads the flags, with what the environment says where they say
// nothing.
func (s *sending) parseFlags(args []string) error {
	if err := s.flags.Parse(args); err != nil {
		return usageError("%w", err)
	}
	var fromEnvironment clientConfig
	if err := config.Load(os.Environ(), &fromEnvironment); err != nil {
		return fmt.Errorf("%w:\n%w", process.ErrConfig, err)
	}
	s.Server, s.Token = cmp.Or(s.Server, fromEnvironment.Server), fromEnvironment.Token
	switch {
	case s.concurrency < 1 || s.concurrency > intake.MaxConcurrency:
		return usageError("-concurrency must be 1 to %d, not %d", intake.MaxConcurrency, s.concurrency)
	case s.dryRun && s.receipt != "":
		return usageError("a dry run sends nothing, so there is no receipt of it")
	default:
		return nil
	}
}

// client makes the client of the gallery.
func (s *sending) client() (*webclient.Client, error) {
	base, err := url.Parse(s.Server)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" {
		return nil, usageError("the gallery's address must be like http://127.0.0.1:8080, not %q", s.Server)
	}
	// As many connections are kept as files are sent at a time.
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = s.concurrency + 1
	return webclient.New(base, webclient.Options{Token: s.Token, Transport: transport}), nil
}

// uploadCommand is sajin upload.
func uploadCommand(ctx context.Context, args []string, stdout io.Writer) error {
	s := newSending("upload")
	if err := s.parse(args); err != nil {
		return helped(stdout, err)
	}
	found, err := folder.Find(ctx, s.album, s.flags.Args()...)
	if err != nil {
		return err
	}
	return s.send(ctx, found, stdout)
}

// send brings in what was found and tells what became of it.
func (s *sending) send(ctx context.Context, found folder.Found, stdout io.Writer) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("no gallery answers at %s: %w", s.Server, err)
	}
	var size int64
	for _, i := range found.Items {
		size += int64(i.File.Size)
	}
	shown := display.NewUploads(stdout, len(found.Items), size, s.dryRun)
	results, err := intake.Run(ctx, client, found.Items, intake.Options{
		Concurrency: s.concurrency, DryRun: s.dryRun, Memory: s.memory(stdout), Listener: shown,
	})
	shown.Wait()
	if err != nil && fault.KindOf(err) == fault.Unauthenticated {
		err = fmt.Errorf("the gallery at %s asks who you are: make a token on its page Account, and set SAJIN_TOKEN to it", s.Server)
	}
	if receiptErr := s.writeReceipt(ctx, client, results, err); receiptErr != nil {
		err = errors.Join(err, receiptErr)
	}
	return s.conclude(ctx, stdout, found, results, err)
}

// memory is where unfinished uploads are remembered: the user's own cache.
func (s *sending) memory(stdout io.Writer) *intake.Memory {
	if s.dryRun {
		return nil
	}
	dir, err := os.UserCacheDir()
	if err == nil {
		var m *intake.Memory
		if m, err = intake.OpenMemory(filepath.Join(dir, "sajin", "uploads"), s.Server, time.Now()); err == nil {
			return m
		}
	}
	_, _ = fmt.Fprintf(stdout, "If this run is interrupted, the next one begins unfinished files anew (%v).\n", err)
	return nil
}

func (s *sending) writeReceipt(ctx context.Context, client *webclient.Client, results []intake.Result, failed error) error {
	if s.receipt == "" || failed != nil {
		return nil
	}
	receipt, err := intake.Receipt(ctx, client, results)
	if err != nil {
		return fmt.Errorf("the receipt could not be made: %w", err)
	}
	raw, err := json.MarshalIndent(receipt, "", "  ")
	if err != nil {
		return err
	}
	if err := intake.WriteFile(s.receipt, append(raw, '\n')); err != nil {
		return fmt.Errorf("the receipt could not be written: %w", err)
	}
	if n := len(receipt.Missing); n > 0 {
		return fmt.Errorf("%d pictures are not processed yet and are missing in the receipt; run the command again for a whole one", n)
	}
	return nil
}

// conclude writes the report, and is an error unless all went well.
func (s *sending) conclude(ctx context.Context, stdout io.Writer, found folder.Found, results []intake.Result, failure error) error {
	count := map[intake.Status]int{}
	for _, r := range results {
		count[r.Status]++
	}
	verb := "sent"
	if s.dryRun {
		verb = "would be sent"
	}
	_, _ = fmt.Fprintf(stdout, "%d %s, %d were there already, %d failed.\n", count[intake.New], verb, count[intake.Duplicate], count[intake.Failed])
	if n := len(found.Other); n > 0 {
		_, _ = fmt.Fprintf(stdout, "%d files are no pictures and were left out: %s.\n", n, display.Plain(kinds(found.Other)))
	}
	writeFailures(stdout, found, results)
	failed := count[intake.Failed] + len(found.Unread)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped with %d of %d files not sent; run the same command again to go on", count[intake.Left], len(results))
	case failure != nil:
		return failure
	case failed > 0:
		return fmt.Errorf("%d files were not sent", failed)
	default:
		return nil
	}
}

// kinds counts files by their extensions.
func kinds(names []string) string {
	counts := map[string]int{}
	for _, name := range names {
		counts[cmp.Or(strings.ToLower(filepath.Ext(name)), "without an extension")]++
	}
	var out []string
	for kind, n := range counts {
		out = append(out, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// writeFailures writes a table of what failed and why.
func writeFailures(w io.Writer, found folder.Found, results []intake.Result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		if r.Status == intake.Failed {
			code, why := reason(r.Err)
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", display.Plain(r.Item.Shown), code, display.Plain(why))
		}
	}
	for _, err := range found.Unread {
		_, _ = fmt.Fprintf(table, "%s\tunreadable\t\n", display.Plain(err.Error()))
	}
	_ = table.Flush() // nobody reads it then
}

// reason is what a person is told of an error: the sentence of a fault, or the
// operating system's words about a file of their own.
func reason(err error) (code, why string) {
	public := fault.Public(err)
	switch {
	case public.Kind == fault.Internal && public.Detail == "":
		return public.Code, err.Error()
	case public.Detail == "":
		return public.Code, strings.TrimSpace(err.Error())
	default:
		return public.Code, public.Detail
	}
}
