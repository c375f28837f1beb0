// Package prompt asks the person at the terminal for what must not be seen, or
// reads it from what is piped in.
//
// It knows neither what is asked for nor what becomes of it.
package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// MaxBytes bounds what is read.
const MaxBytes = 4096

var (
	errDiffer  = errors.New("the two are not the same; nothing was changed")
	errNothing = errors.New("nothing was entered; nothing was changed")
	errStopped = errors.New("stopped; nothing was changed")
	errLong    = fmt.Errorf("that is longer than %d bytes; nothing was changed", MaxBytes)
)

// Secret asks for a secret twice on a terminal, without showing it, and reads
// one line where in is none. The end of ctx ends it, and the terminal shows again
// what is typed. The read that was waiting then cannot be ended: it goes on until
// the program does.
func Secret(ctx context.Context, in *os.File, out io.Writer, what string) (string, error) {
	terminal := int(in.Fd())
	if !term.IsTerminal(terminal) {
		return until(ctx, func() (string, error) { return line(in) })
	}
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(terminal, before) }() // which is needed after an end in the middle only
	first, err := hidden(ctx, terminal, out, what+": ")
	if err != nil {
		return "", err
	}
	second, err := hidden(ctx, terminal, out, "Once more: ")
	if err == nil && first != second {
		err = errDiffer
	}
	return first, err
}

func hidden(ctx context.Context, terminal int, out io.Writer, question string) (string, error) {
	_, _ = io.WriteString(out, question)
	text, err := until(ctx, func() (string, error) {
		text, err := term.ReadPassword(terminal)
		return string(text), err
	})
	_, _ = fmt.Fprintln(out)
	if err == nil && text == "" {
		err = errNothing
	}
	return text, err
}

// until reads, and does not wait for that longer than ctx lives.
func until(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", errStopped
	}
}

// line reads the first line.
func line(in io.Reader) (string, error) {
	text, err := bufio.NewReader(io.LimitReader(in, MaxBytes+1)).ReadString('\n')
	text = strings.TrimRight(text, "\r\n")
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	case len(text) > MaxBytes-1:
		return "", errLong
	case text == "":
		return "", errNothing
	default:
		return text, nil
	}
}
