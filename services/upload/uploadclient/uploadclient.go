// Package uploadclient calls the upload service: remote over HTTP, or in the
// same process through httpx.InProcess.
//
// It streams and retries nothing, since a stream cannot be sent twice. It knows
// the service's contract (uploadapi) and nothing of its inside.
package uploadclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// DefaultAnswerWithin is longer than the service itself takes to answer
// "processing" for what is not finished.
const DefaultAnswerWithin = 90 * time.Second

// Client calls one upload service. Safe for concurrent use.
type Client struct {
	target       kitx.Target
	answerWithin time.Duration
	plan         kitx.UseCase[uploadapi.PlanRequest, uploadapi.PlanResponse]
	receipt      kitx.UseCase[uploadapi.ReceiptRequest, uploadapi.Receipt]
}

// Option changes a client.
type Option func(*Client)

// AnswerWithin sets how long after the last byte of a body the answer may take.
func AnswerWithin(d time.Duration) Option { return func(c *Client) { c.answerWithin = d } }

// New makes a client. The target's HTTP client must not have a timeout of its
// own for a whole request, since a body takes as long as its sender takes, and
// its transport should have an ExpectContinueTimeout, as http.DefaultTransport
// does: without one a refusal that comes before the body may be lost in a
// connection that is reset.
func New(target kitx.Target, options ...Option) *Client {
	c := &Client{target: target, answerWithin: DefaultAnswerWithin, plan: planner(target), receipt: receipts(target)}
	for _, option := range options {
		option(c)
	}
	return c
}

// Upload sends a multipart/form-data body with the given content type; length
// is -1 when it is not known. The body is read as it is sent. The owner and the
// request id of ctx go along.
//
// Results come back also when none of the files was kept. An error is the
// service's problem as a fault, fault.Unavailable when it cannot be reached,
// fault.Timeout when it does not answer in time after the last byte, and
// body_incomplete, or the body's own fault, when reading the body failed.
func (c *Client) Upload(ctx context.Context, contentType string, length int64, body io.Reader) (uploadapi.UploadResponse, error) {
	var out uploadapi.UploadResponse
	header := http.Header{"Content-Type": {contentType}}
	err := c.send(ctx, message{http.MethodPost, uploadapi.PathImages, header, length, body}, func(resp *http.Response) (err error) {
		out, err = decode(resp)
		return err
	})
	return out, err
}

// message is a request with a body that is sent as it is read.
type message struct {
	method, path string
	header       http.Header
	length       int64 // -1 when it is not known
	body         io.Reader
}

// send sends a message and reads its answer.
func (c *Client) send(ctx context.Context, m message, read func(*http.Response) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := &watched{r: m.body, all: make(chan struct{}), ended: func() func() {
		timer := time.AfterFunc(c.answerWithin, func() { cancel(context.DeadlineExceeded) })
		return func() { timer.Stop() }
	}}
	defer sent.stop()
	if m.length == 0 { // nothing is read of it
		sent.end(nil)
	}
	m.body = sent
	req, err := c.request(ctx, m)
	if err != nil {
		return err
	}
	resp, err := c.target.HTTP.Do(req)
	if err != nil {
		return failure(ctx, sent, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err = read(resp); err != nil && ctx.Err() != nil {
		return failure(ctx, sent, err)
	}
	return err
}

func (c *Client) request(ctx context.Context, m message) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, m.method, c.target.Base.JoinPath(m.path).String(), io.NopCloser(m.body))
	if err != nil {
		return nil, fault.As(fault.Internal, "uploadclient.Upload", err)
	}
	if req.ContentLength = m.length; m.length == 0 {
		req.Body = http.NoBody
	}
	req.Header = m.header
	// The service refuses a request that is too large before it is sent.
	req.Header.Set("Expect", "100-continue")
	kitx.SetCaller(ctx, req.Header)
	return req, nil
}

// lastWord is how long a body may take to say that it was cut. A server takes a
// client for gone as soon as the connection ends, and so gives up its own calls,
// a moment before whoever reads the body learns of it.
const lastWord = time.Second

// failure says why there is no answer: the body failed, the caller gave up, the
// answer took too long, or the service cannot be reached.
func failure(ctx context.Context, sent *watched, err error) error {
	const op = "uploadclient.Upload"
	if errors.Is(context.Cause(ctx), context.Canceled) {
		sent.await(lastWord)
	}
	if cut := sent.failure(); cut != nil {
		if fault.KindOf(cut) == fault.Internal {
			return httpx.ErrBodyIncomplete.With(op, cut)
		}
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

// decode reads an answer: results, whatever its status, or a problem.
func decode(resp *http.Response) (uploadapi.UploadResponse, error) {
	var out uploadapi.UploadResponse
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if mediaType != "application/json" {
		return out, problem.Read(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, kitx.MaxResponseBytes)).Decode(&out); err != nil {
		return uploadapi.UploadResponse{}, fault.As(fault.Unavailable, "uploadclient.Upload", err)
	}
	return out, nil
}

// watched starts the wait for the answer when the body has ended.
type watched struct {
	r     io.Reader
	ended func() (stop func())
	all   chan struct{} // closed when there is no more of it
	once  sync.Once
	mu    sync.Mutex
	halt  func()
	over  bool
	err   error // the body's own, not its end
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if errors.Is(err, io.EOF) {
		w.end(nil)
	} else if err != nil {
		w.end(err)
	}
	return n, err
}

// end notes that there is no more of the body; err is why, if that is a failure.
func (w *watched) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halt == nil && !w.over {
		w.halt = w.ended()
	}
	if err != nil {
		w.err = err
	}
	w.once.Do(func() { close(w.all) })
}

// await waits for the end of the body, for so long.
func (w *watched) await(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.all:
	case <-timer.C:
	}
}

func (w *watched) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// stop ends the wait. The transport may still read the body after the answer.
func (w *watched) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.halt != nil {
		w.halt()
	}
}
