package chaos

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How a client tries again: after what Retry-After says, within reason, else
// after a pause that doubles, with chance in it.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 10 * time.Second
	mostPatience = 10 * time.Second
	callTimeout  = 90 * time.Second
)

// caller makes the requests of one client, through the proxy. It is for one
// goroutine.
type caller struct {
	base   string
	http   *http.Client
	fates  *rand.Rand
	ledger *ledger
}

// answer is what came back; with a status of 0 nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
	clean  bool // the request was carried out once, as far as its fate goes
}

// again reports whether the call may be made again as it is.
func (a answer) again() bool {
	return a.status == 0 || slices.Contains([]int{408, 423, 425, 429, 502, 503, 504, 507}, a.status) ||
		a.status == http.StatusInternalServerError
}

// call makes one request of the next fate; one to the bucket itself, by its whole
// address, has none. Whatever goes wrong on the way is an answer of status 0.
func (c *caller) call(ctx context.Context, method, path string, body []byte, header ...string) answer {
	fate := draw(c.fates)
	out := answer{clean: fate.clean()}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ours := strings.HasPrefix(path, "/")
	if ours {
		path = c.base + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return out
	}
	if ours {
		req.Header.Set(fateHeader, fate.String())
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c.ledger.count("requests")
	if !out.clean {
		c.ledger.count("fate " + string(fate.fate))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.ledger.count("no answer")
		return out
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.ledger.count("no answer")
		return out
	}
	c.ledger.count("status " + strconv.Itoa(resp.StatusCode))
	out.status, out.header, out.body = resp.StatusCode, resp.Header, data
	return out
}

// insist makes a request until its answer is one that trying again would not
// change, or ctx ends.
func (c *caller) insist(ctx context.Context, method, path string, body []byte, header ...string) (a answer) {
	for tries := 1; ctx.Err() == nil; tries++ {
		if a = c.call(ctx, method, path, body, header...); !a.again() {
			c.ledger.answered()
			break
		}
		c.pause(ctx, tries, a)
	}
	return a
}

func (c *caller) pause(ctx context.Context, tries int, a answer) {
	pause := min(firstPause<<min(tries, 10), longestPause)
	pause = pause/2 + time.Duration(rand.Int64N(int64(pause)))
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil {
		pause = max(pause, min(time.Duration(seconds)*time.Second, mostPatience))
	}
	wait(ctx, pause)
}
