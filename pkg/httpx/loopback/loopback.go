// Package loopback finds addresses for programs that are started by another and
// cannot say which port they took. It knows nothing of the programs.
package loopback

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Ports that are given out are below those that Linux (from 32768) and IANA (from
// 49152, RFC 6335 section 6) give to whoever asks for any port: an address is
// bound some time after it was found, again after each restart, and nobody's
// connection or listener on port 0 is to be there by then.
const (
	lowest = 20000
	count  = 12000
)

// tries is after how many ports in use the search ends.
const tries = 200

// last is the last port tried by this process. Where it starts is left to chance,
// since other processes search at the same time.
var last atomic.Uint32

func init() { last.Store(rand.Uint32N(count)) }

// Free is an address of the loopback interface, 127.0.0.1, with a port that was
// free a moment ago and that this process was not given before. It is safe for
// concurrent use.
func Free(ctx context.Context) (string, error) {
	var inUse error
	for range tries {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+int(last.Add(1)%count)))
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err == nil {
			return addr, l.Close()
		}
		inUse = err
	}
	return "", fmt.Errorf("loopback: no free port: %w", inUse)
}
