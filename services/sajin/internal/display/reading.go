package display

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Reading shows how much was read, where how much there is to read is not known,
// and lines above it. Safe for concurrent use, but for Line. Wait must be called
// at the end.
type Reading struct {
	w   io.Writer
	all *mpb.Progress // nil where w is no terminal
	bar *mpb.Bar
}

// NewReading shows it on w: lines alone where that is no terminal.
func NewReading(w io.Writer) *Reading {
	r := &Reading{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		r.all = mpb.New(mpb.WithOutput(w))
		r.bar = r.all.New(0, mpb.SpinnerStyle(), mpb.AppendDecorators(
			decor.CurrentKibiByte(" % .1f read "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f")))
	}
	return r
}

// Read counts bytes.
func (r *Reading) Read(n int) {
	if r.bar != nil {
		r.bar.IncrBy(n)
	}
}

// Line writes a line.
func (r *Reading) Line(text string) {
	if r.all != nil {
		_, _ = fmt.Fprintln(r.all, text)
		return
	}
	_, _ = fmt.Fprintln(r.w, text)
}

// Wait lets the display come to rest.
func (r *Reading) Wait() {
	if r.bar != nil {
		r.bar.Abort(true)
		r.all.Wait()
	}
}
