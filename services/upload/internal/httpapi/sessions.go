package httpapi

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

var (
	errNotJSON      = fault.New(fault.Unsupported, "unsupported_media_type", "The plan must be application/json.")
	errOrigin       = fault.New(fault.Invalid, "origin_invalid", "The origin of the page must be a scheme and a host, such as https://photos.example.org.")
	errContentRange = fault.New(fault.Invalid, "content_range_invalid",
		"The header Content-Range must be \"bytes FIRST-LAST/SIZE\" of the bytes that are sent, or \"bytes */SIZE\" with none.")
)

// sessions is the door for files that arrive in pieces. It speaks the protocol
// of Cloud Storage's resumable uploads.
type sessions struct {
	core   Sessions
	limits Limits
}

// plan answers POST /v1/uploads.
func (h *sessions) plan(w http.ResponseWriter, r *http.Request) {
	owner, err := ownerOf(r)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	req, err := decodePlan(r)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	opened, err := h.core.Plan(r.Context(), owner, plannedOf(req), req.Origin)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	out := uploadapi.PlanResponse{Files: make([]uploadapi.PlanResult, len(opened))}
	for i, o := range opened {
		out.Files[i] = planResult(r, o)
	}
	writeJSON(w, r, http.StatusOK, out)
}

func decodePlan(r *http.Request) (uploadapi.OriginPlan, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return uploadapi.OriginPlan{}, errNotJSON
	}
	if _, err := httpx.ParseQuery(r); err != nil {
		return uploadapi.OriginPlan{}, err
	}
	req, err := kitx.DecodeJSON[uploadapi.OriginPlan](r, uploadapi.MaxPlanBytes)
	if err == nil && !validOrigin(req.Origin) {
		err = errOrigin
	}
	return req, err
}

// validOrigin accepts "" and scheme, host and port.
func validOrigin(text string) bool {
	u, err := url.Parse(text)
	return text == "" || (err == nil && len(text) <= uploadapi.MaxOriginBytes && u.Host != "" &&
		(u.Scheme == "http" || u.Scheme == "https") && u.String() == u.Scheme+"://"+u.Host)
}

func plannedOf(req uploadapi.OriginPlan) []ingest.Planned {
	out := make([]ingest.Planned, len(req.Files))
	for i, f := range req.Files {
		out[i] = ingest.Planned{
			Name: f.Name, Size: int64(f.Size), ContentType: f.ContentType, SHA256: f.SHA256,
			ModifiedAt: parseModified(string(f.LastModified)), Album: f.AlbumPath(), CompanionOf: f.CompanionOf,
			Given: ingest.Given{TakenAt: parseModified(string(f.TakenAt)), Caption: f.Caption, Place: f.Place},
		}
	}
	return out
}

func planResult(r *http.Request, o ingest.Opened) uploadapi.PlanResult {
	if o.Err != nil {
		details := problem.From(o.Err)
		details.RequestID = problem.RequestID(r.Context())
		return uploadapi.PlanResult{Status: uploadapi.StatusRefused, Problem: &details}
	}
	if o.Known != "" {
		return uploadapi.PlanResult{Status: uploadapi.StatusDuplicate, DuplicateOf: o.Known}
	}
	at := o.URL
	if at == "" {
		at = strings.Replace(uploadapi.PathSession, "{session}", o.Session, 1)
	}
	return uploadapi.PlanResult{Status: uploadapi.StatusNew, ID: o.ID, ExpiresAt: &o.ExpiresAt, SessionURL: at}
}

// send answers PUT /v1/uploads/{session}.
func (h *sessions) send(w http.ResponseWriter, r *http.Request) {
	p, err := h.progress(w, r)
	if p.Offset > 0 && (p.Outcome == nil || p.Outcome.Err != nil) {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", p.Offset-1))
	}
	if err == nil && p.Outcome != nil {
		err = p.Outcome.Err
	}
	if err != nil {
		w.Header().Set("Connection", "close") // rather than read a body that nobody wants
		problem.WriteStatus(w, r, err, statusOf(err))
		return
	}
	if p.Outcome == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	writeOutcome(w, r, p)
}

// writeOutcome answers for a file that is whole and was taken.
func writeOutcome(w http.ResponseWriter, r *http.Request, p ingest.Progress) {
	status := http.StatusCreated
	if p.Before {
		status = http.StatusOK
	}
	writeJSON(w, r, status, result(r, *p.Outcome))
}

// complete answers POST /v1/uploads/{id}/complete.
func (h *sessions) complete(w http.ResponseWriter, r *http.Request) {
	p, err := h.completed(r)
	if err == nil {
		err = p.Outcome.Err
	}
	if err != nil {
		problem.WriteStatus(w, r, err, statusOf(err))
		return
	}
	writeOutcome(w, r, p)
}

func (h *sessions) completed(r *http.Request) (ingest.Progress, error) {
	owner, err := ownerOf(r)
	if err != nil {
		return ingest.Progress{}, err
	}
	if _, err := httpx.ParseQuery(r); err != nil {
		return ingest.Progress{}, err
	}
	return h.core.Complete(r.Context(), owner, r.PathValue("id"))
}

func (h *sessions) progress(w http.ResponseWriter, r *http.Request) (ingest.Progress, error) {
	owner, chunk, query, err := admitChunk(r)
	if err != nil {
		return ingest.Progress{}, err
	}
	session := r.PathValue("session")
	if query {
		return h.core.Ask(r.Context(), owner, session, chunk.Total)
	}
	chunk.Body = newBody(w, r, h.limits)
	return h.core.Send(r.Context(), owner, session, chunk)
}

// admitChunk reads what the header says; query asks for the status alone.
func admitChunk(r *http.Request) (owner identity.Owner, c ingest.Chunk, query bool, err error) {
	if owner, err = ownerOf(r); err != nil {
		return owner, c, false, err
	}
	if _, err = httpx.ParseQuery(r); err != nil {
		return owner, c, false, err
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return owner, c, false, errEncoded
	}
	values := r.Header.Values("Content-Range")
	switch {
	case len(values) > 1:
		return owner, c, false, errContentRange
	case len(values) == 0: // the whole file at once
		if r.ContentLength < 0 {
			return owner, c, false, errContentRange
		}
		return owner, ingest.Chunk{To: r.ContentLength, Total: r.ContentLength}, false, nil
	}
	c, query, err = parseContentRange(values[0])
	if err == nil && r.ContentLength >= 0 && r.ContentLength != c.To-c.From {
		err = errContentRange
	}
	return owner, c, query, err
}

// parseContentRange reads "bytes 0-262143/*", "bytes 0-9/10" and "bytes */10".
// Of a status query the range is empty.
func parseContentRange(text string) (c ingest.Chunk, query bool, err error) {
	rest, ok := strings.CutPrefix(text, "bytes ")
	span, total, slash := strings.Cut(rest, "/")
	if !ok || !slash {
		return c, false, errContentRange
	}
	c.Total = ingest.Unknown
	if total != "*" {
		if c.Total, err = parseDigits(total); err != nil {
			return c, false, err
		}
	}
	if span == "*" {
		return c, true, nil
	}
	first, last, _ := strings.Cut(span, "-")
	if c.From, err = parseDigits(first); err != nil {
		return c, false, err
	}
	if c.To, err = parseDigits(last); err != nil {
		return c, false, err
	}
	c.To++
	if c.To <= c.From || (c.Total != ingest.Unknown && c.To > c.Total) { // also beyond the largest number
		return c, false, errContentRange
	}
	return c, false, nil
}

// parseDigits takes digits only: no sign, no space.
func parseDigits(text string) (int64, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, errContentRange
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errContentRange.With("httpapi.parseContentRange", err)
	}
	return n, nil
}

// cancel answers DELETE /v1/uploads/{session} with 499, as Cloud Storage does.
func (h *sessions) cancel(w http.ResponseWriter, r *http.Request) {
	owner, err := ownerOf(r)
	if err == nil {
		_, err = httpx.ParseQuery(r)
	}
	if err == nil {
		err = h.core.Cancel(r.Context(), owner, r.PathValue("session"))
	}
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(problem.StatusClientClosed)
}

// writeJSON encodes before it writes the header, so that a failure can still be
// answered as one.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		problem.Write(w, r, fault.As(fault.Internal, "httpapi.writeJSON", err))
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}
