package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

func TestReceipt(t *testing.T) {
	s := serve(t)
	first := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", file{name: "a.png", data: picture(t, 1)})).Results[0].ID
	second := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", file{name: "b.png", data: picture(t, 2)})).Results[0].ID
	ask := func(ids ...string) uploadapi.Receipt {
		body, err := json.Marshal(uploadapi.ReceiptRequest{IDs: ids})
		if err != nil {
			t.Fatal(err)
		}
		a := s.do(http.MethodPost, "/api/v1/receipts", strings.NewReader(string(body)), jsonType)
		a.want(t, http.StatusOK)
		return decode[uploadapi.Receipt](t, a)
	}
	got := ask(second, "x", first)
	if len(got.Files) != 2 || got.Files[0].ID != second || got.Files[1].Name != "a.png" || !slices.Equal(got.Missing, []string{"x"}) {
		t.Errorf("the receipt is %+v", got)
	}
	if got := ask("x"); got.Files == nil || len(got.Files) != 0 {
		t.Errorf("of nothing: %+v", got) // an empty list, not null
	}
}

func TestReceiptRefusals(t *testing.T) {
	s := serve(t)
	for name, tt := range map[string]struct {
		path, body string
		headers    []string
		status     int
	}{
		"another type":   {"/api/v1/receipts", `{"ids":["A"]}`, []string{"Content-Type: text/plain"}, 415},
		"no JSON":        {"/api/v1/receipts", "ids", []string{jsonType}, 400},
		"a query":        {"/api/v1/receipts?x=1", `{"ids":["A"]}`, []string{jsonType}, 400},
		"too many bytes": {"/api/v1/receipts", `{"ids":["` + strings.Repeat("A", uploadapi.MaxReceiptBytes) + `"]}`, []string{jsonType}, 413},
		"another origin": {"/api/v1/receipts", `{"ids":["A"]}`, []string{jsonType, "Sec-Fetch-Site: cross-site"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			s.do(http.MethodPost, tt.path, strings.NewReader(tt.body), tt.headers...).want(t, tt.status)
		})
	}
}
