// Package webclient calls a gallery's public API from a program: it plans
// uploads, sends files through sessions that survive lost connections, and asks
// for receipts.
//
// It repeats what may be repeated, with growing pauses, and goes on from where
// the server says that a file has come to. It knows the contract
// (services/web/api/openapi.yaml) and Cloud Storage's resumable protocol, and
// neither where the bytes come from nor what a person is told of them.
package webclient

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// prefix is what the edge's paths have before those of the upload service.
const prefix = "/api"

// How long single requests may take.
const (
	callWithin = 60 * time.Second  // JSON asked, JSON answered
	stallAfter = 150 * time.Second // no byte of a body moves, or no answer comes after its end
)

// Client calls one gallery. Safe for concurrent use.
type Client struct {
	base    *url.URL
	gallery *http.Client // sends the token
	outside *http.Client // for sessions on other hosts, which are secrets of their own
	pace    Pace

	plan     kitx.UseCase[uploadapi.PlanRequest, uploadapi.PlanResponse]
	foresee  kitx.UseCase[uploadapi.PlanRequest, uploadapi.PlanResponse]
	receipt  kitx.UseCase[uploadapi.ReceiptRequest, uploadapi.Receipt]
	complete kitx.UseCase[string, uploadapi.Result]
}

// Options adjust a client. The zero value is ready for use.
type Options struct {
	Token     string            // sent as a bearer token, to the gallery only; "" for none
	Transport http.RoundTripper // http.DefaultTransport when nil
	Pace      Pace              // how long a failure is put up with
}

// New makes a client of the gallery at base, such as http://127.0.0.1:8080.
func New(base *url.URL, o Options) *Client {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	c := &Client{base: base, pace: o.Pace.withDefaults(), outside: kitx.NoRedirects(o.Transport)}
	c.gallery = kitx.NoRedirects(bearer{o.Token, o.Transport})
	target := kitx.Target{Base: base, HTTP: c.gallery}
	c.plan = planner(target, nil)
	c.foresee = planner(target, url.Values{"dry_run": {"true"}})
	c.receipt = kitx.Client[uploadapi.ReceiptRequest, uploadapi.Receipt](target, http.MethodPost,
		func(req uploadapi.ReceiptRequest) (string, url.Values, any) {
			return prefix + uploadapi.PathReceipts, nil, req
		}, kitx.Deadline(callWithin))
	c.complete = kitx.Client[string, uploadapi.Result](target, http.MethodPost,
		func(id string) (string, url.Values, any) {
			return prefix + "/v1/uploads/" + url.PathEscape(id) + "/complete", nil, nil
		}, kitx.Deadline(stallAfter))
	return c
}

func planner(target kitx.Target, query url.Values) kitx.UseCase[uploadapi.PlanRequest, uploadapi.PlanResponse] {
	return kitx.Client[uploadapi.PlanRequest, uploadapi.PlanResponse](target, http.MethodPost,
		func(req uploadapi.PlanRequest) (string, url.Values, any) {
			return prefix + uploadapi.PathUploads, query, req
		},
		kitx.Deadline(callWithin))
}

// bearer adds the token.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}

// Ping is nil when a gallery answers at the address. It tries once.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("/healthz/live").String(), nil)
	if err != nil {
		return fault.As(fault.Invalid, "webclient.Ping", err)
	}
	resp, err := c.gallery.Do(req)
	if err != nil {
		return fault.As(fault.Unavailable, "webclient.Ping", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return problem.Read(resp)
	}
	return nil
}

// Plan asks what to do with up to uploadapi.MaxPlanFiles files, and opens
// sessions for those that are new. A plan whose answer was lost is sent again;
// the sessions that nobody knows of then expire.
func (c *Client) Plan(ctx context.Context, files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error) {
	return c.planned(ctx, c.plan, files)
}

// Foresee is Plan that opens nothing: it tells what is in the gallery already.
func (c *Client) Foresee(ctx context.Context, files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error) {
	return c.planned(ctx, c.foresee, files)
}

var errAnswer = fault.New(fault.Internal, "answer_invalid", "The gallery's answer cannot be understood. Is this program of another version?")

func (c *Client) planned(ctx context.Context, do kitx.UseCase[uploadapi.PlanRequest, uploadapi.PlanResponse], files []uploadapi.PlanFile) ([]uploadapi.PlanResult, error) {
	resp, err := patiently(ctx, c.pace, func() (uploadapi.PlanResponse, error) {
		return do(ctx, uploadapi.PlanRequest{Files: files})
	})
	if err == nil && len(resp.Files) != len(files) {
		return nil, errAnswer
	}
	return resp.Files, err
}

// Receipt asks what is stored of up to uploadapi.MaxReceipt images.
func (c *Client) Receipt(ctx context.Context, ids []string) (uploadapi.Receipt, error) {
	return patiently(ctx, c.pace, func() (uploadapi.Receipt, error) {
		return c.receipt(ctx, uploadapi.ReceiptRequest{IDs: ids})
	})
}

// Complete tells the gallery that a session which is not its own has taken the
// last byte of the image. It may be repeated.
func (c *Client) Complete(ctx context.Context, id string) (uploadapi.Result, error) {
	return patiently(ctx, c.pace, func() (uploadapi.Result, error) { return c.complete(ctx, id) })
}
