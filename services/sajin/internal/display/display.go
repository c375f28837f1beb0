// Package display shows the progress of a long command: bars on a terminal, a
// line for each file elsewhere.
//
// It knows what a file's outcome is called, and nothing of how it comes about.
package display

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

// nameWidth is how much of a name a bar shows.
const nameWidth = 28

// Uploads shows files that are sent. Wait must be called at the end.
type Uploads interface {
	intake.Listener
	// Wait lets the bars come to rest.
	Wait()
}

// NewUploads shows total files of size bytes on w; dry makes new files "would be
// sent".
func NewUploads(w io.Writer, total int, size int64, dry bool) Uploads {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return newBars(w, total, size)
	}
	return &lines{w: w, total: total, dry: dry}
}

// lines writes a line when a file is finished.
type lines struct {
	mu    sync.Mutex
	w     io.Writer
	total int
	count int
	dry   bool
}

func (*lines) Sending(*intake.Item, int64) {}

func (l *lines) Done(r intake.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	_, _ = fmt.Fprintf(l.w, "%d/%d %s %s\n", l.count, l.total, word(r, l.dry), Plain(r.Item.Shown)) // nobody reads it then
}

func (*lines) Wait() {}

func word(r intake.Result, dry bool) string {
	switch {
	case r.Status == intake.New && dry:
		return "would send"
	case r.Status == intake.New:
		return "sent"
	case r.Status == intake.Duplicate && r.Trashed:
		return "in the trash"
	case r.Status == intake.Duplicate:
		return "already there"
	default:
		return "failed"
	}
}

// bars has one bar for everything and one for each file on its way.
type bars struct {
	all   *mpb.Progress
	whole *mpb.Bar
	count atomic.Int64 // drawing waits for no lock, since what holds mu may wait for the drawing
	mu    sync.Mutex
	files map[*intake.Item]*mpb.Bar
}

func newBars(w io.Writer, total int, size int64, options ...mpb.ContainerOption) *bars {
	b := &bars{all: mpb.New(append(options, mpb.WithOutput(w), mpb.WithWidth(60), mpb.WithAutoRefresh())...), files: map[*intake.Item]*mpb.Bar{}}
	b.whole = b.all.AddBar(size, mpb.BarPriority(1<<30),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return fmt.Sprintf("%d of %d files ", b.count.Load(), total) })),
		mpb.AppendDecorators(decor.CountersKibiByte(" % .1f / % .1f "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f "), decor.AverageETA(decor.ET_STYLE_GO)))
	return b
}

// Sending moves the file's bar, and the bar of everything by as much. A file
// that is begun anew moves both back. The last byte is left to Done, which ends
// the bar: all bytes may be told of more than once.
func (b *bars) Sending(item *intake.Item, n int64) {
	b.mu.Lock()
	bar := b.files[item]
	if bar == nil {
		bar = b.all.AddBar(int64(item.File.Size), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(short(item.File.Name), decor.WC{W: nameWidth + 1, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Percentage()))
		b.files[item] = bar
	}
	b.mu.Unlock()
	n = min(n, max(0, int64(item.File.Size)-1))
	b.whole.IncrInt64(n - bar.Current())
	bar.SetCurrent(n)
}

// Done counts the whole file, whether or not its bytes were sent.
func (b *bars) Done(r intake.Result) {
	b.mu.Lock()
	bar := b.files[r.Item]
	delete(b.files, r.Item)
	b.mu.Unlock()
	b.count.Add(1)
	moved := int64(0)
	if bar != nil {
		moved = bar.Current()
		bar.Abort(true)
	}
	b.whole.IncrInt64(int64(r.Item.File.Size) - moved)
}

func (b *bars) Wait() {
	b.mu.Lock()
	for _, bar := range b.files {
		bar.Abort(true)
	}
	b.mu.Unlock()
	b.whole.Abort(false)
	b.all.Wait()
}

// Plain is a text that others have chosen, such as a name in an archive, as it
// may be written to a terminal: what would control that is U+FFFD.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func short(name string) string {
	name = Plain(name)
	runes := []rune(name)
	if len(runes) <= nameWidth {
		return name
	}
	return string(runes[:nameWidth-1]) + "…"
}
