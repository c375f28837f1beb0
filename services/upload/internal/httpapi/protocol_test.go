package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob/sessiontest"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Our sessions are to a client what Cloud Storage's are.
func TestSessionConformance(t *testing.T) {
	content := large(t)
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
		s := newServer(t)
		return sessiontest.Harness{
			Content: []byte(content), Client: s.client, Header: http.Header{identity.OwnerHeader: {owner}},
			Open: func(*testing.T) string { return s.http.URL + s.open(content).SessionURL },
			Stored: func(t *testing.T, _ string) []byte {
				keys := s.bucket.Keys(contract.PrefixOriginals)
				if len(keys) > 1 {
					t.Errorf("%d objects are stored", len(keys))
				}
				if len(keys) == 0 {
					return nil
				}
				return s.bucket.Data(keys[0])
			},
		}
	})
}

// complete posts a completion.
func (s *server) complete(who, id string) sessionReply {
	s.t.Helper()
	return s.call(who, http.MethodPost, "/v1/uploads/"+id+"/complete", nil, http.Header{})
}

// A client that did not hear the last answer of a session of ours may ask by the
// image's id as well.
func TestCompleteOfOurSessions(t *testing.T) {
	s := newServer(t)
	content := large(t)
	planned := s.open(content)
	s.complete(owner, planned.ID).is(t, 409, "upload_incomplete", 0)
	s.chunk(planned.SessionURL, content, 0, step).is(t, 308, "", step)
	s.complete(owner, planned.ID).is(t, 409, "upload_incomplete", 0)
	s.complete("bert", planned.ID).is(t, 404, "not_found", 0)
	for _, id := range []string{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "..%2fx"} {
		s.complete(owner, id).is(t, 404, "not_found", 0)
	}
	first := s.chunk(planned.SessionURL, content, step, len(content))
	first.is(t, 201, "", 0)
	for range 2 {
		again := s.complete(owner, planned.ID)
		again.is(t, 200, "", 0)
		if again.result.ID != planned.ID || again.result.Status != "stored" || *again.result.Stored != *first.result.Stored {
			t.Errorf("answered %+v, want %+v", again.result, first.result)
		}
	}
	s.complete("bert", planned.ID).is(t, 404, "not_found", 0)

	const words = "no image at all"
	text := s.open(words)
	s.chunk(text.SessionURL, words, 0, len(words))
	s.complete(owner, text.ID).is(t, 415, "unsupported_media_type", 0)
}

func TestPlanOrigins(t *testing.T) {
	s := newServer(t)
	s.client = s.http.Client() // what is sent is not as described
	for _, origin := range []string{
		"null", "photos.example.org", "ftp://x", "https://", "https://x/", "https://x?y", "https://x\\r\\nX:y", "https://u@x", "javascript:alert(1)",
	} {
		body := `{"files":[{"name":"a.jpg","size":1}],"origin":"` + origin + `"}`
		r := s.call(owner, http.MethodPost, "/v1/uploads", strings.NewReader(body), http.Header{"Content-Type": {"application/json"}})
		r.is(t, 400, "origin_invalid", 0)
	}
}
