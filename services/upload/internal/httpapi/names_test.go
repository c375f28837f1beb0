package httpapi_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// named are file parameters as they are sent, and what is shown of them.
var named = map[string]string{
	// U25
	`filename="../../a.jpg"`:     "a.jpg",
	`filename="..\..\a.jpg"`:     "a.jpg",
	`filename="C:\a.jpg"`:        "a.jpg",
	`filename="C:\\dir\\a.jpg"`:  "a.jpg",
	`filename="/etc/passwd"`:     "passwd",
	`filename="%2e%2e%2fa.jpg"`:  "%2e%2e%2fa.jpg",
	`filename="."`:               "image",
	`filename=".."`:              "image",
	`filename=".htaccess"`:       ".htaccess",
	`filename="CON"`:             "CON",
	`filename="a.jpg/"`:          "a.jpg",
	`filename="a.jpg."`:          "a.jpg.",
	`filename="a .jpg"`:          "a .jpg",
	`filename=a.jpg`:             "a.jpg",
	`filename="a;b=c.jpg"`:       "a;b=c.jpg",
	`filename="a\"b.jpg"`:        `a"b.jpg`,
	`filename="a%22b.jpg"`:       `a"b.jpg`,
	`filename="a%0D%0Ab.jpg"`:    "ab.jpg",
	`FileName="a.jpg"`:           "a.jpg",
	`filename = "a.jpg" ; x=y`:   "a.jpg",
	`filename="<script>.jpg"`:    "<script>.jpg",
	`filename="'; DROP TABLE--"`: "'; DROP TABLE--",
	// U26
	`filename*=UTF-8''a%00.jpg`:                          "a.jpg",
	`filename*=UTF-8''a%0d%0aX-Evil%3A%201.jpg`:          "aX-Evil: 1.jpg",
	`filename*=UTF-8''a%09%1b%5b31m.jpg`:                 "a[31m.jpg",
	"filename=\"a\tb.jpg\"":                              "ab.jpg",
	`filename="x.jpg"; filename*=utf-8'ko'%EC%82%AC.jpg`: "사.jpg",
	`filename="x.jpg"; filename*=klingon''y.jpg`:         "x.jpg",
	// U27
	"filename=\"a\u202egpj.exe\"": "agpj.exe",
	"filename=\"a\u200b.jpg\"":    "a.jpg",
	"filename=\"caf\u00e9\"":      "caf\u00e9",
	"filename=\"cafe\u0301\"":     "cafe\u0301",
	"filename=\"\xff\xfe.jpg\"":   "\ufffd.jpg",
	"filename=\"\xed\xa0\x80\"":   "\ufffd",
	"filename=\"\U0001f600\"":     "\U0001f600",
	"filename=\"\ufb01\u0130\"":   "\ufb01\u0130",
	// U28
	`filename="` + strings.Repeat("x", 251) + `.jpg"`:    strings.Repeat("x", 251) + ".jpg",
	`filename="` + strings.Repeat("x", 252) + `.jpg"`:    strings.Repeat("x", 251) + ".jpg",
	`filename="` + strings.Repeat("x", 996) + `.jpg"`:    strings.Repeat("x", 251) + ".jpg",
	`filename="` + strings.Repeat("x", 4996) + `.jpg"`:   strings.Repeat("x", 251) + ".jpg",
	`filename="e` + strings.Repeat("\u0301", 1000) + `"`: "e" + strings.Repeat("\u0301", 127),
}

// A name is shown cleaned and is part of nothing.
func TestU25toU28_HostileNames(t *testing.T) {
	s := newServer(t)
	content := jpegOf(t, corners(8, 8))
	for parameter, want := range named {
		r := s.post(part{`Content-Disposition: form-data; name="f"; ` + parameter, content})
		if r.expect(t, 201, uploadapi.StatusStored); t.Failed() {
			t.Fatalf("with %.60q", parameter)
		}
		result := r.results[0]
		if result.Name != want || s.manifest(result.ID).Name != want || !utf8.ValidString(result.Name) {
			t.Errorf("%.60q is shown as %.60q and kept as %.60q, want %.60q", parameter, result.Name, s.manifest(result.ID).Name, want)
		}
		if !identity.ValidImageID(result.ID) || !strings.HasSuffix(result.Stored.Key, "/"+result.ID+".jpg") {
			t.Errorf("%.60q is stored as %q", parameter, result.Stored.Key)
		}
	}
}

func TestU25toU28_NamesBeyondReading(t *testing.T) {
	s := newServer(t)
	content := jpegOf(t, corners(8, 8))
	for parameter, want := range map[string]string{
		`filename="a.jpg"; filename="b.jpg"`: "filename_invalid",
		`filename*=UTF-8''%zz.jpg`:           "filename_invalid",
		`filename*=a.jpg`:                    "filename_invalid",
	} {
		r := s.post(filePart("good.jpg", content), part{`Content-Disposition: form-data; name="f"; ` + parameter, content}, filePart("good.jpg", content))
		r.expect(t, 201, uploadapi.StatusStored, "422 "+want, uploadapi.StatusStored)
	}
	for _, header := range []string{
		"Content-Disposition: form-data; name=\"f\"; filename=\"a\x00.jpg\"",
		"Content-Disposition: form-data; name=\"f\"; filename=\"a.jpg",
		"Content-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"b",
		"Content-Disposition: form-data; filename",
		"Content-Disposition: form-data; =x",
		"Content-Disposition: attachment; filename=\"a.jpg\"",
		"Content-Disposition: form-data; filename=\"a.jpg\"\r\nContent-Disposition: form-data",
		"Content-Type: image/jpeg",
		"no header at all",
		": empty",
	} {
		s.post(part{header, content}).expectProblem(t, 400, "malformed_multipart")
	}
}

func TestU28_PartHeaderLimit(t *testing.T) {
	content := jpegOf(t, corners(8, 8))
	s := newServer(t)
	rest := len("Content-Disposition: form-data; name=\"f\"; filename=\"\"\r\n")
	for size, want := range map[int]string{16<<10 - 1: "", 16 << 10: "", 16<<10 + 1: "part_header_too_large", 70000: "part_header_too_large"} {
		r := s.post(part{`Content-Disposition: form-data; name="f"; filename="` + strings.Repeat("x", size-rest) + `"`, content})
		if want == "" {
			r.expect(t, 201, uploadapi.StatusStored)
			continue
		}
		r.expectProblem(t, 431, want)
	}
	// More than is held for any header, and after a part that was read.
	huge := part{`Content-Disposition: form-data; name="f"; filename="` + strings.Repeat("x", 1<<20) + `"`, content}
	s.post(huge).expectProblem(t, 400, "malformed_multipart")
	s.post(fieldPart("a", "b"), huge).expectProblem(t, 431, "part_header_too_large")
	lines := part{"Content-Disposition: form-data; name=\"f\"" + strings.Repeat("\r\nX-A: b", 1_000_000), content}
	s.post(fieldPart("a", "b"), lines).expectProblem(t, 431, "part_header_too_large")
}
