package stack

import (
	"bytes"
	"io"
	"sync"
)

// outputs keeps lines of several programs from mixing.
var outputs sync.Mutex

// prefixed writes whole lines, each with the program's name before it.
type prefixed struct {
	prefix string
	to     io.Writer
	rest   []byte
}

func (p *prefixed) Write(data []byte) (int, error) {
	outputs.Lock()
	defer outputs.Unlock()
	p.rest = append(p.rest, data...)
	for {
		line, rest, whole := bytes.Cut(p.rest, []byte("\n"))
		if !whole {
			return len(data), nil
		}
		p.rest = rest
		if _, err := io.WriteString(p.to, p.prefix+string(line)+"\n"); err != nil {
			return 0, err
		}
	}
}
