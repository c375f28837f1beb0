package webclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// chunkBytes is how much one request carries: a multiple of 256 KiB, far below
// what proxies take in one body (32 MiB on Cloud Run), and large enough that a
// round trip for each does not count.
const chunkBytes = 8 << 20

// Session is where a file goes to, from a plan of now or of an earlier run.
type Session struct {
	ID   string // of the image to be
	URL  string // absolute, or a path of the gallery
	Size int64  // of the file
	// Fresh says that nothing was sent yet, so that the server need not be asked
	// how far it is.
	Fresh bool
}

// ErrSessionGone is a session that the server does not know, or not any more.
// The file must be planned again.
var ErrSessionGone = fault.New(fault.Gone, "upload_expired", "This upload was not finished in time. Please add the file again.")

var errSize = fault.New(fault.Conflict, "file_changed", "The file became shorter while it was sent. Please send it again.")

// Send sends the content through the session, from where it has come to, and
// returns what became of the file. A refusal is a fault that is not retryable;
// ErrSessionGone calls for a new plan. After any other error, also the end of
// ctx, the session can be taken up again. progress hears how many bytes the
// server has or is being sent; it must be quick, and may be nil.
func (c *Client) Send(ctx context.Context, s Session, content Content, progress func(int64)) (uploadapi.Result, error) {
	u, err := c.base.Parse(s.URL)
	if err != nil {
		return uploadapi.Result{}, errAnswer.With("webclient.Send", err)
	}
	if progress == nil {
		progress = func(int64) {}
	}
	w := &sending{client: c, session: s, url: u, at: -1, cursor: cursor{open: content}, progress: progress, tries: tries{pace: c.pace}}
	defer w.cursor.close()
	if s.Fresh {
		w.at = 0
	}
	return w.run(ctx)
}

// sending is one Send.
type sending struct {
	client   *Client
	session  Session
	url      *url.URL
	at       int64 // what the server has; -1: it must be asked
	most     int64 // the most that it has had
	cursor   cursor
	progress func(int64)
	tries    tries
}

func (w *sending) run(ctx context.Context) (uploadapi.Result, error) {
	for {
		before := w.at
		result, done, err := w.step(ctx)
		if done {
			return w.settle(ctx, result)
		}
		if w.at > w.most {
			w.most = w.at
			w.tries.progress()
		}
		if err == nil && w.at < w.session.Size && w.at > before {
			continue
		}
		if err == nil { // it took nothing, or has all and does not say what became of it
			err = fault.New(fault.Unavailable, "upload_unfinished", "The gallery did not say what became of the file.")
		}
		if err := w.tries.again(ctx, mismatch(err)); err != nil {
			if ctx.Err() != nil { // whatever else it brought about
				err = fault.Wrap("webclient.Send", context.Cause(ctx))
			}
			return uploadapi.Result{}, err
		}
		w.at = -1
	}
}

// mismatch makes a chunk in the wrong place, which asking the server mends,
// something to try again.
func mismatch(err error) error {
	if fault.Public(err).Code == "offset_mismatch" {
		return fault.As(fault.Unavailable, "webclient.Send", err)
	}
	return err
}

// step asks how far the session is, or sends a chunk.
func (w *sending) step(ctx context.Context) (uploadapi.Result, bool, error) {
	if w.at < 0 || w.at == w.session.Size {
		return w.put(ctx, 0, 0)
	}
	return w.put(ctx, w.at, min(chunkBytes, w.session.Size-w.at))
}

// settle gets the result where a store that is not the gallery's own took the
// bytes.
func (w *sending) settle(ctx context.Context, r uploadapi.Result) (uploadapi.Result, error) {
	w.progress(w.session.Size)
	if r.Status != "" {
		return r, nil
	}
	return w.client.Complete(ctx, w.session.ID)
}

// put is one request: n bytes from an offset on, or, with none, the question.
func (w *sending) put(ctx context.Context, from, n int64) (result uploadapi.Result, done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stallAfter, func() { cancel(context.DeadlineExceeded) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, w.url.String(), http.NoBody)
	if err != nil {
		return result, false, errAnswer.With("webclient.Send", err)
	}
	req.Header.Set("Content-Range", fmt.Sprintf("bytes */%d", w.session.Size))
	var body *lent
	if n > 0 {
		if body, err = w.cursor.lend(from, n, func(sent int64) { watch.Reset(stallAfter); w.progress(sent) }); err != nil {
			return result, false, err
		}
		defer func() { w.cursor.giveBack(body, err == nil) }()
		req.Body, req.ContentLength = body, n
		req.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, w.session.Size))
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := w.client.httpFor(w.url).Do(req)
	if err != nil {
		return result, false, failure(ctx, body, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if cut := body.failure(); cut != nil { // the server answered for what it got
		return result, false, cut
	}
	return w.answer(resp)
}

// answer reads what a session answers.
func (w *sending) answer(resp *http.Response) (result uploadapi.Result, done bool, err error) {
	w.at = offsetOf(resp.Header)
	switch resp.StatusCode {
	case http.StatusPermanentRedirect:
		w.progress(w.at)
		return result, false, nil
	case http.StatusPreconditionFailed: // Cloud Storage: the object is there already
		return result, w.isForeign(), sessionError(resp)
	case http.StatusOK, http.StatusCreated:
		raw, err := io.ReadAll(io.LimitReader(resp.Body, kitx.MaxResponseBytes))
		if err != nil {
			return result, false, fault.As(fault.Unavailable, "webclient.Send", err)
		}
		// Cloud Storage describes its object, which has no status.
		if err := json.Unmarshal(raw, &result); err != nil || !ours(result.Status) {
			result = uploadapi.Result{}
		}
		if result.Status == "" && !w.isForeign() {
			return result, false, errAnswer.With("webclient.Send", err)
		}
		return result, true, nil
	default:
		return result, false, sessionError(resp)
	}
}

func ours(status string) bool {
	switch status {
	case uploadapi.StatusStored, uploadapi.StatusProcessing, uploadapi.StatusDuplicate, uploadapi.StatusRefused:
		return true
	default:
		return false
	}
}

// isForeign: the session is served by a store of its own.
func (w *sending) isForeign() bool { return !w.client.owns(w.url) }

func (c *Client) owns(u *url.URL) bool { return u.Scheme == c.base.Scheme && u.Host == c.base.Host }

// httpFor keeps the token at home.
func (c *Client) httpFor(u *url.URL) *http.Client {
	if c.owns(u) {
		return c.gallery
	}
	return c.outside
}

// offsetOf reads "bytes=0-LAST"; without it nothing has arrived.
func offsetOf(header http.Header) int64 {
	_, last, ok := strings.Cut(header.Get("Range"), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n + 1
}

// sessionError is what an answer with another status says: a problem of the
// gallery, or the status of a store that knows no problems.
func sessionError(resp *http.Response) error {
	if mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); mediaType == problem.ContentType {
		err := problem.Read(resp)
		if kind := fault.KindOf(err); kind == fault.NotFound || kind == fault.Gone {
			return ErrSessionGone.With("webclient.Send", err)
		}
		return err
	}
	cause := errors.New("the session answered " + resp.Status)
	switch {
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone:
		return ErrSessionGone.With("webclient.Send", cause)
	case resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= http.StatusInternalServerError:
		return problem.Read(resp)
	default:
		return fault.Newf(fault.Invalid, "storage_refused", "The storage refused the file (%d).", resp.StatusCode).With("webclient.Send", cause)
	}
}

// failure says why there is no answer: the file could not be read, the caller
// gave up, nothing moved any more, or nobody can be reached.
func failure(ctx context.Context, body *lent, err error) error {
	const op = "webclient.Send"
	if cut := body.failure(); cut != nil {
		return fault.Wrap(op, cut)
	}
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return fault.As(fault.Unavailable, op, err)
	case errors.Is(cause, context.DeadlineExceeded):
		return fault.As(fault.Timeout, op, err)
	default:
		return fault.Wrap(op, cause)
	}
}

// Cancel gives a session up. One that is not there is given up already.
func (c *Client) Cancel(ctx context.Context, session string) error {
	u, err := c.base.Parse(session)
	if err != nil {
		return errAnswer.With("webclient.Cancel", err)
	}
	_, err = patiently(ctx, c.pace, func() (struct{}, error) { return struct{}{}, c.cancel(ctx, u) })
	return err
}

func (c *Client) cancel(ctx context.Context, u *url.URL) error {
	ctx, done := context.WithTimeout(ctx, callWithin)
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, u.String(), nil)
	if err != nil {
		return errAnswer.With("webclient.Cancel", err)
	}
	resp, err := c.httpFor(u).Do(req)
	if err != nil {
		return failure(ctx, nil, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == problem.StatusClientClosed || resp.StatusCode < 300 {
		return nil
	}
	if err := sessionError(resp); !errors.Is(err, ErrSessionGone) {
		return err
	}
	return nil
}
