package uploadclient

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// planWithin bounds the opening of 1000 sessions on a slow disk.
const planWithin = 30 * time.Second

func planner(target kitx.Target) kitx.UseCase[uploadapi.PlanRequest, uploadapi.PlanResponse] {
	encode := func(req uploadapi.PlanRequest) (string, url.Values, any) {
		if req.Files == nil {
			req.Files = []uploadapi.PlanFile{}
		}
		return uploadapi.PathUploads, nil, uploadapi.OriginPlan(req)
	}
	return kitx.Client[uploadapi.PlanRequest, uploadapi.PlanResponse](target, http.MethodPost, encode, kitx.Deadline(planWithin))
}

// Plan opens sessions. It is not repeated, since every plan opens new ones.
func (c *Client) Plan(ctx context.Context, req uploadapi.PlanRequest) (uploadapi.PlanResponse, error) {
	return c.plan(ctx, req)
}

// errNoSession is what no session id can be is answered with, without a call.
var errNoSession = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")

// Send passes a PUT to a session on, as it comes. With an error the response
// may still tell the Range.
func (c *Client) Send(ctx context.Context, req uploadapi.SessionRequest) (uploadapi.SessionResponse, error) {
	path, ok := sessionPath(req.Session)
	if !ok {
		return uploadapi.SessionResponse{}, errNoSession
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if req.ContentRange != "" {
		header.Set("Content-Range", req.ContentRange)
	}
	var out uploadapi.SessionResponse
	err := c.send(ctx, message{http.MethodPut, path, header, req.Length, req.Body}, func(resp *http.Response) (err error) {
		out, err = decodeSession(resp)
		return err
	})
	return out, err
}

// decodeSession reads what is said of a session: how far it has come, a result,
// or a problem.
func decodeSession(resp *http.Response) (uploadapi.SessionResponse, error) {
	out := uploadapi.SessionResponse{Status: resp.StatusCode, Range: resp.Header.Get("Range")}
	switch resp.StatusCode {
	case http.StatusPermanentRedirect:
		return out, nil
	case http.StatusOK, http.StatusCreated:
		out.Result = &uploadapi.Result{}
		err := json.NewDecoder(io.LimitReader(resp.Body, kitx.MaxResponseBytes)).Decode(out.Result)
		return out, fault.As(fault.Unavailable, "uploadclient.Send", err)
	default:
		return out, problem.Read(resp)
	}
}

// Complete asks what became of the planned file with the image's id, when its
// last byte was sent. It may be asked again.
func (c *Client) Complete(ctx context.Context, id string) (uploadapi.SessionResponse, error) {
	if !identity.ValidImageID(id) {
		return uploadapi.SessionResponse{}, errNoSession
	}
	ctx, cancel := context.WithTimeout(ctx, c.answerWithin)
	defer cancel()
	var out uploadapi.SessionResponse
	path := strings.Replace(uploadapi.PathComplete, "{id}", id, 1)
	err := c.send(ctx, message{http.MethodPost, path, http.Header{}, 0, http.NoBody}, func(resp *http.Response) (err error) {
		out, err = decodeSession(resp)
		return err
	})
	return out, err
}

// Cancel gives a session up; of one of the bucket's the id is the image's.
func (c *Client) Cancel(ctx context.Context, session string) error {
	path, ok := sessionPath(session)
	if !ok {
		return errNoSession
	}
	return c.send(ctx, message{http.MethodDelete, path, http.Header{}, 0, http.NoBody}, func(resp *http.Response) error {
		if resp.StatusCode == problem.StatusClientClosed {
			return nil
		}
		return problem.Read(resp)
	})
}

// sessionPath keeps what is no session's id, nor an image's, out of a path.
func sessionPath(session string) (string, bool) {
	if session == "" || strings.Trim(session, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return "", false
	}
	return strings.Replace(uploadapi.PathSession, "{session}", session, 1), true
}
