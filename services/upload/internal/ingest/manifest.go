package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// maxManifestBytes bounds what is read as a manifest; ours are a few kilobytes.
const maxManifestBytes = 256 << 10

// idOf is the image that an original's key belongs to. A key that contract
// would not have made is refused: it came from outside.
func idOf(key string) (string, error) {
	rest, ok := strings.CutPrefix(key, contract.PrefixOriginals)
	_, file, _ := strings.Cut(rest, "/")
	id, extension, dotted := strings.Cut(file, ".")
	if !ok || !dotted || !identity.ValidImageID(id) || extension == "" || strings.Contains(extension, "/") ||
		contract.OriginalKey(id, identity.ImageTime(id), "."+extension) != key || blob.CheckKey(key) != nil {
		return "", fault.New(fault.Invalid, "original_key_invalid", "That is not the key of an original.")
	}
	return id, nil
}

func (s *Service) readManifest(ctx context.Context, id string) (contract.Manifest, error) {
	return readManifest(ctx, s.ports.Blob, id)
}

func readManifest(ctx context.Context, store blob.Store, id string) (contract.Manifest, error) {
	var m contract.Manifest
	r, _, err := store.Open(ctx, contract.ManifestKey(id), 0, -1)
	if err != nil {
		return m, fault.Wrap("ingest.readManifest", err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, maxManifestBytes))
	if err != nil {
		return m, fault.As(fault.Unavailable, "ingest.readManifest", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fault.As(fault.Internal, "ingest.readManifest", err)
	}
	if named, _ := idOf(m.Key); m.ID != id || named != id { // whatever it is, nothing may be said of it
		return m, fault.As(fault.Internal, "ingest.readManifest", fmt.Errorf("the manifest of %s is of %q, at %q", id, m.ID, m.Key))
	}
	return m, nil
}

// writeManifest stores m, or returns the one that a twin has stored first.
func (s *Service) writeManifest(ctx context.Context, m contract.Manifest) (contract.Manifest, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return m, fault.As(fault.Internal, "ingest.writeManifest", err)
	}
	key := contract.ManifestKey(m.ID)
	info, err := s.ports.Blob.Put(ctx, key, bytes.NewReader(raw),
		blob.WriteOptions{ContentType: "application/json", IfNotExists: true, Size: int64(len(raw))})
	switch {
	case errors.Is(err, blob.ErrExists):
		return s.readManifest(ctx, m.ID)
	case err != nil:
		return m, fault.Wrap("ingest.writeManifest", err)
	case info.Size != int64(len(raw)): // half a manifest would be taken for one
		return m, errors.Join(errStoredWrong, s.ports.Blob.Delete(ctx, key))
	default:
		return m, nil
	}
}
