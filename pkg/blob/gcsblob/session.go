package gcsblob

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// sessionLife is shorter than the week after which Cloud Storage forgets a
// session, by more than any clock is wrong.
const sessionLife = 7*24*time.Hour - time.Hour

// maxAnswerBytes bounds what is read of an answer that has no object in it.
const maxAnswerBytes = 64 << 10

var _ blob.SessionOpener = (*Store)(nil)

// SessionOrigin implements blob.SessionOpener.
func (s *Store) SessionOrigin() string { return s.base.Scheme + "://" + s.base.Host }

// OpenSession implements blob.SessionOpener. The library has no call for it: it
// makes and uses sessions for itself.
func (s *Store) OpenSession(ctx context.Context, key string, opts blob.SessionOptions) (_ blob.Session, err error) {
	defer observe(ctx, "open session", time.Now(), &err)
	const op = "gcsblob.OpenSession"
	if err := blob.CheckSession(key, opts); err != nil {
		return blob.Session{}, err
	}
	body, err := json.Marshal(map[string]any{
		"name": key, "contentType": cmp.Or(opts.ContentType, blob.DefaultContentType), "metadata": opts.Metadata,
	})
	if err != nil {
		return blob.Session{}, rejected.With(op, err)
	}
	began := time.Now()
	retrying, cancel := context.WithTimeout(ctx, s.retryFor)
	defer cancel()
	pause := backoff
	for {
		at, err := s.askForSession(retrying, key, body, opts)
		if err == nil {
			return blob.Session{URL: at, ExpiresAt: began.Add(sessionLife)}, nil
		}
		if !isTransient(err) || gax.Sleep(retrying, pause.Pause()) != nil {
			return blob.Session{}, classify(ctx, op, err)
		}
	}
}

func (s *Store) askForSession(ctx context.Context, key string, body []byte, opts blob.SessionOptions) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.sessionsAt(key, opts.IfNotExists), bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	req.Header.Set("X-Upload-Content-Type", cmp.Or(opts.ContentType, blob.DefaultContentType))
	req.Header.Set("X-Upload-Content-Length", strconv.FormatInt(opts.Size, 10))
	if opts.Origin != "" {
		req.Header.Set("Origin", opts.Origin)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("send the request: %w", err)
	}
	defer func() {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswerBytes)) // so that the connection is used again
		_ = resp.Body.Close()
	}()
	if err := googleapi.CheckResponse(resp); err != nil {
		return "", err //nolint:wrapcheck // classify and isTransient want it as it is
	}
	return s.location(resp)
}

// sessionsAt is where a session for key is asked for.
func (s *Store) sessionsAt(key string, ifNotExists bool) string {
	query := url.Values{"uploadType": {"resumable"}, "name": {key}}
	if ifNotExists {
		query.Set("ifGenerationMatch", "0")
	}
	at := s.base.JoinPath("upload/storage/v1/b", s.bucket.BucketName(), "o")
	at.RawQuery = query.Encode()
	return at.String()
}

var errLocation = errors.New("gcsblob: the bucket gave no address of its own for a session")

// location reads the session's address, which must be where we asked: pages are
// allowed to send there and nowhere else.
func (s *Store) location(resp *http.Response) (string, error) {
	at := resp.Header.Get("Location")
	if !strings.HasPrefix(at, s.SessionOrigin()+"/") {
		return "", errLocation
	}
	return at, nil
}
