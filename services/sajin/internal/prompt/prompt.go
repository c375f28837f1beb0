// Package prompt asks the person at the terminal for what must not be seen, or
// reads it from what is piped in.
//
// It knows neither what is asked for nor what becomes of it.
package prompt

import (
	"bufio"
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
	errLong    = fmt.Errorf("that is longer than %d bytes; nothing was changed", MaxBytes)
)

// Secret asks for a secret twice on a terminal, without showing it, and reads
// one line where in is none.
func Secret(in *os.File, out io.Writer, what string) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		return line(in)
	}
	first, err := hidden(in, out, what+": ")
	if err != nil {
		return "", err
	}
	second, err := hidden(in, out, "Once more: ")
	if err == nil && first != second {
		err = errDiffer
	}
	return first, err
}

func hidden(in *os.File, out io.Writer, question string) (string, error) {
	_, _ = io.WriteString(out, question)
	text, err := term.ReadPassword(int(in.Fd()))
	_, _ = fmt.Fprintln(out)
	if err == nil && len(text) == 0 {
		err = errNothing
	}
	return string(text), err
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
