package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// keepUnprocessed makes an image of an original that processing fails on for no
// known reason: it cannot be shown, and it is not lost. Nothing but its bytes is
// looked at, so that what fails cannot fail here.
func (s *Service) keepUnprocessed(ctx context.Context, id, key string) (contract.Manifest, error) {
	o, m, err := s.loadDescribed(ctx, id, key)
	if err != nil {
		return m, err
	}
	defer o.release()
	if refused := (*Refused)(nil); errors.As(asPlanned(o), &refused) {
		return s.reject(ctx, m, o.info, refused)
	}
	k, err := sniffSource(o.source)
	if err != nil {
		return m, err
	}
	m.ContentType, m.Preview = k.contentType, contract.PreviewUnavailable
	m.Warnings = []string{contract.WarningProcessingFailed}
	if m, err = s.commit(ctx, m, o, s.writeManifest); err != nil {
		return m, err
	}
	s.ports.Log.ErrorContext(ctx, "an image is kept without a preview: it could not be processed", "id", id)
	return m, s.forgetAttempts(ctx, id)
}

func sniffSource(src Source) (kind, error) {
	head := make([]byte, min(sniffBytes, src.Size))
	if _, err := src.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return kind{}, fault.As(fault.Unavailable, "ingest.sniff", err)
	}
	return sniff(head, src.Size <= sniffBytes)
}

func (s *Service) forgetAttempts(ctx context.Context, id string) error {
	err := blob.Each(ctx, s.ports.Blob, attemptsOf(id), func(info blob.Info) error {
		return s.ports.Blob.Delete(ctx, info.Key)
	})
	return fault.Wrap("ingest.forgetAttempts", err)
}

// unprocessed reports whether a manifest is of an image that was kept because
// processing it failed.
func unprocessed(m contract.Manifest) bool {
	return m.Preview == contract.PreviewUnavailable && slices.Contains(m.Warnings, contract.WarningProcessingFailed)
}

// retry tries an image again that was kept unprocessed. When that fails, or the
// image turns out to be one that would have been refused, it stays as it is.
func (s *Service) retry(ctx context.Context, id string) (contract.Manifest, error) {
	return s.flights.join(ctx, id, func(ctx context.Context) (contract.Manifest, error) {
		m, err := s.readManifest(ctx, id)
		if err != nil || !unprocessed(m) {
			return m, err
		}
		t, err := s.begin(ctx, id)
		if err != nil {
			return m, err
		}
		made, err := contain(ctx, s.ports.Log, id, func(ctx context.Context) (contract.Manifest, error) {
			return s.makeAgain(ctx, m)
		})
		t.end(ctx, err)
		if err == nil {
			return made, nil
		}
		return m, errors.Join(err, s.forgetAttempts(ctx, id))
	})
}

// makeAgain replaces the manifest of an image that was kept unprocessed.
func (s *Service) makeAgain(ctx context.Context, before contract.Manifest) (contract.Manifest, error) {
	o, m, err := s.loadDescribed(ctx, before.ID, before.Key)
	if err != nil {
		return m, err
	}
	defer o.release()
	if m, err = s.derive(ctx, m, o); err != nil {
		return m, err
	}
	for _, v := range before.Beside() {
		m = withFilm(m, v)
	}
	return s.commit(ctx, m, o, s.replaceManifest)
}

// replaceManifest stores m in the place of the one that is there.
func (s *Service) replaceManifest(ctx context.Context, m contract.Manifest) (contract.Manifest, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return m, fault.As(fault.Internal, "ingest.replaceManifest", err)
	}
	info, err := s.ports.Blob.Put(ctx, contract.ManifestKey(m.ID), bytes.NewReader(raw),
		blob.WriteOptions{ContentType: "application/json", Size: int64(len(raw))})
	if err == nil && info.Size != int64(len(raw)) { // without any, the sweep makes one
		err = errors.Join(errStoredWrong, s.ports.Blob.Delete(ctx, contract.ManifestKey(m.ID)))
	}
	return m, fault.Wrap("ingest.replaceManifest", err)
}
