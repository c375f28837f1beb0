// Package doctor looks at what a gallery runs on, and says what is wrong with it
// and which command mends that.
//
// It asks what it is given and changes nothing, but for a small object that it
// writes to the store and takes away again. It opens no adapter and knows no
// SDK.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Level is how bad a finding is.
type Level string

// The levels. Only a Problem keeps a gallery from working.
const (
	Good    Level = "ok"
	Warning Level = "warning"
	Problem Level = "problem"
)

// Finding is what was found about one thing.
type Finding struct {
	Level  Level
	About  string // such as "database"
	Detail string
	Mend   string // a command, or what else to do; "" where there is nothing to mend
}

func good(about, format string, args ...any) Finding {
	return Finding{Level: Good, About: about, Detail: fmt.Sprintf(format, args...)}
}

// failed is a problem that an error tells of.
func failed(about, what string, err error, mend string) Finding {
	return Finding{Level: Problem, About: about, Detail: what + ": " + reason(err), Mend: mend}
}

// reason is the innermost error, where it is not one of ours: an operator wants
// to know what the other side has answered.
func reason(err error) string {
	said := fault.Public(err).Detail
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if _, ours := inner.(*fault.Error); !ours { //nolint:errorlint // each of the chain by itself
			return inner.Error()
		}
	}
	return said
}

// Check is one look, bounded by its context.
type Check func(context.Context) []Finding

// checkTimeout bounds each look.
const checkTimeout = 30 * time.Second

// Run looks at everything, writes what it finds, and reports how many problems
// that were.
func Run(ctx context.Context, w io.Writer, checks []Check) (problems int) {
	for _, check := range checks {
		for _, f := range look(ctx, check) {
			write(w, f)
			if f.Level == Problem {
				problems++
			}
		}
	}
	return problems
}

func look(ctx context.Context, check Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return check(ctx)
}

func write(w io.Writer, f Finding) {
	_, _ = fmt.Fprintf(w, "%-8s %s: %s\n", f.Level, f.About, strings.Join(strings.Fields(f.Detail), " ")) // errors of others have lines
	for line := range strings.Lines(f.Mend) {
		_, _ = fmt.Fprintf(w, "         > %s\n", strings.TrimSuffix(line, "\n"))
	}
}
