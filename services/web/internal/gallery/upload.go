package gallery

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

// announceTimeout bounds how long an answered upload waits for the catalog to
// take note of it.
const announceTimeout = 10 * time.Second

// Upload takes in the files of a multipart/form-data stream; length is -1 when
// it is not known. The answer has a result per file, in the order sent.
//
// What was stored is announced to the catalog, so that who uploads and then
// reads sees it at once, and so that a file which the gallery has already is
// answered as a duplicate. When the catalog cannot be reached the files are
// safe all the same, and appear when their events arrive.
func (s *Service) Upload(ctx context.Context, contentType string, length int64, body io.Reader) (uploadapi.UploadResponse, error) {
	answer, err := s.uploader.Upload(ctx, contentType, length, body)
	if err != nil {
		return uploadapi.UploadResponse{}, err
	}
	s.settle(ctx, answer.Results)
	return answer, nil
}

// settle announces results and takes out what is not for clients. The files are
// there whether or not the client still is.
func (s *Service) settle(ctx context.Context, results []uploadapi.Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTimeout)
	defer cancel()
	if err := s.announce(ctx, results); err != nil {
		s.log.WarnContext(ctx, "the catalog did not take note of an upload; the events will tell it", "err", err)
	}
	for i := range results {
		results[i].Stored = nil // for the services
	}
}

// announce tells the catalog what was stored, and marks what it knows to be a
// duplicate.
func (s *Service) announce(ctx context.Context, results []uploadapi.Result) error {
	images, at, err := expected(results)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(images, catalogapi.MaxExpect) {
		resp, err := s.catalog.Expect(ctx, catalogapi.ExpectRequest{Images: batch})
		if err != nil {
			return err
		}
		if len(resp.Results) != len(batch) {
			return fmt.Errorf("gallery: the catalog answered for %d images of %d", len(resp.Results), len(batch))
		}
		for i, known := range resp.Results {
			mark(&results[at[i]], known)
		}
		at = at[len(batch):]
	}
	return nil
}

// expected picks what is to be announced, and which result each comes from.
func expected(results []uploadapi.Result) (images []catalogapi.Expected, at []int, err error) {
	for i, r := range results {
		if r.Stored == nil || (r.Status != uploadapi.StatusStored && r.Status != uploadapi.StatusProcessing) {
			continue
		}
		created, err := time.Parse(time.RFC3339, r.Stored.CreatedAt)
		if err != nil {
			return nil, nil, fmt.Errorf("gallery: the time of a stored file: %w", err)
		}
		at = append(at, i)
		images = append(images, catalogapi.Expected{
			ID: r.ID, Name: r.Name, Key: r.Stored.Key, Size: r.Stored.Size, ContentType: r.Stored.ContentType,
			SHA256: r.Stored.SHA256, Width: r.Stored.Width, Height: r.Stored.Height, CreatedAt: created, Album: r.Stored.Album,
		})
	}
	return images, at, nil
}

// mark makes a result a duplicate where the catalog says so. Its own id goes
// away with its bytes, so the answer does not name it.
func mark(r *uploadapi.Result, known catalogapi.ExpectResult) {
	if known.DuplicateOf == "" {
		return
	}
	r.Status, r.ID = uploadapi.StatusDuplicate, ""
	r.DuplicateOf, r.Trashed = known.DuplicateOf, known.Trashed
}

// Outcome sums up an upload: Stored when a file is new in the gallery, Known
// when none is and at least one was there before, Refused when none was kept.
type Outcome int

// The outcomes.
const (
	Refused Outcome = iota
	Known
	Stored
)

// OutcomeOf is the best outcome of the results.
func OutcomeOf(results []uploadapi.Result) Outcome {
	best := Refused
	for _, r := range results {
		switch r.Status {
		case uploadapi.StatusStored, uploadapi.StatusProcessing:
			return Stored
		case uploadapi.StatusDuplicate:
			best = Known
		}
	}
	return best
}
