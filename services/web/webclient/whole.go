package webclient

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// CodeNoSessions is the code of a gallery that takes files whole only: 415 on a
// plan. SendWhole is the way then.
const CodeNoSessions = "sessions_unsupported"

// SendWhole sends a file in one request, as a form does. It is begun anew when
// the connection is lost; a gallery that had it already says so.
func (c *Client) SendWhole(ctx context.Context, f uploadapi.PlanFile, content Content, progress func(int64)) (uploadapi.Result, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	return patiently(ctx, c.pace, func() (uploadapi.Result, error) { return c.sendWhole(ctx, f, content, progress) })
}

func (c *Client) sendWhole(ctx context.Context, f uploadapi.PlanFile, content Content, progress func(int64)) (uploadapi.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stallAfter, func() { cancel(context.DeadlineExceeded) })
	defer watch.Stop()
	head, tail, contentType, err := form(f)
	if err != nil {
		return uploadapi.Result{}, fault.As(fault.Internal, "webclient.SendWhole", err)
	}
	from := cursor{open: content}
	defer from.close()
	body, err := from.lend(0, int64(f.Size), func(sent int64) { watch.Reset(stallAfter); progress(sent) })
	if err != nil {
		return uploadapi.Result{}, err
	}
	defer from.giveBack(body, false)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(prefix+uploadapi.PathImages).String(),
		io.MultiReader(bytes.NewReader(head), body, bytes.NewReader(tail)))
	if err != nil {
		return uploadapi.Result{}, fault.As(fault.Internal, "webclient.SendWhole", err)
	}
	req.ContentLength = int64(len(head)) + int64(f.Size) + int64(len(tail))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Expect", "100-continue") // a refusal of the whole form comes before the file
	resp, err := c.gallery.Do(req)
	if err != nil {
		return uploadapi.Result{}, failure(ctx, body, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return wholeResult(resp)
}

func wholeResult(resp *http.Response) (uploadapi.Result, error) {
	if mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); mediaType != "application/json" {
		return uploadapi.Result{}, problem.Read(resp)
	}
	var out uploadapi.UploadResponse
	if err := json.NewDecoder(io.LimitReader(resp.Body, kitx.MaxResponseBytes)).Decode(&out); err != nil {
		return uploadapi.Result{}, fault.As(fault.Unavailable, "webclient.SendWhole", err)
	}
	if len(out.Results) != 1 {
		return uploadapi.Result{}, errAnswer
	}
	if p := out.Results[0].Problem; p != nil {
		return uploadapi.Result{}, p.Fault()
	}
	return out.Results[0], nil
}

// form is what a multipart form has before and after the one file.
func form(f uploadapi.PlanFile) (head, tail []byte, contentType string, err error) {
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, field := range [][2]string{{"last_modified", string(f.LastModified)}, {"album", f.Album}, {"companion_of", f.CompanionOf}} {
		if field[1] == "" {
			continue
		}
		if err := w.WriteField(field[0], field[1]); err != nil {
			return nil, nil, "", err
		}
	}
	if _, err := w.CreateFormFile("file", f.Name); err != nil {
		return nil, nil, "", err
	}
	before := buffer.Len()
	if err := w.Close(); err != nil {
		return nil, nil, "", err
	}
	return buffer.Bytes()[:before], buffer.Bytes()[before:], w.FormDataContentType(), nil
}
