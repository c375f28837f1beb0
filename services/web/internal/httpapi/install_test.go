package httpapi_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

func TestTheManifestFollowsTheLanguage(t *testing.T) {
	s := serve(t)
	for accept, want := range map[string]string{"en": "Sajin", "ko": "사진"} {
		a := s.do(http.MethodGet, "/manifest.webmanifest", nil, "Accept-Language: "+accept).want(t, http.StatusOK)
		var got struct {
			Name        string `json:"name"`
			ShareTarget struct {
				Action string `json:"action"`
			} `json:"share_target"`
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Name != want || a.Header.Get("Content-Type") != "application/manifest+json" {
			t.Errorf("%s: %q, %v", accept, got.Name, a.Header)
		}
		s.do(http.MethodGet, got.ShareTarget.Action, nil).want(t, http.StatusOK)
	}
}
