package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostileForms are names and forms that no browser sends.
var hostileForms = []hostileRow{
	{"U25_PathsForNames", names(map[string]string{
		`filename="../../a.jpg"`: "a.jpg", `filename="..\..\a.jpg"`: "a.jpg", `filename="C:\a.jpg"`: "a.jpg",
		`filename="/etc/passwd"`: "passwd", `filename="%2e%2e%2fa.jpg"`: "%2e%2e%2fa.jpg", `filename="."`: "image", `filename=".."`: "image",
		`filename=".htaccess"`: ".htaccess", `filename="CON"`: "CON", `filename="a.jpg/"`: "a.jpg", `filename="a.jpg."`: "a.jpg.", `filename="a .jpg"`: "a .jpg",
		`filename="<script>alert(1)</script>.jpg"`: "script>.jpg", `filename="'; DROP TABLE images--"`: "'; DROP TABLE images--",
	})},
	{"U26_ControlCharacters", names(map[string]string{
		`filename*=UTF-8''a%00.jpg`: "a.jpg", `filename*=UTF-8''a%0d%0aX-Evil%3A%201.jpg`: "aX-Evil: 1.jpg", `filename*=UTF-8''a%09%1b%5b31m.jpg`: "a[31m.jpg",
		"filename=\"a\tb.jpg\"": "ab.jpg", `filename="a%0D%0Ab.jpg"`: "ab.jpg",
	})},
	{"U26_RawNUL", rawNUL},
	{"U27_Unicode", names(map[string]string{
		"filename=\"a\u202egpj.exe\"": "agpj.exe", "filename=\"a\u200b.jpg\"": "a.jpg", "filename=\"caf\u00e9\"": "caf\u00e9", "filename=\"cafe\u0301\"": "cafe\u0301",
		"filename=\"\xff\xfe.jpg\"": "\ufffd.jpg", "filename=\"\xed\xa0\x80\"": "\ufffd", "filename=\"\U0001f600\"": "\U0001f600", "filename=\"\ufb01\u0130\"": "\ufb01\u0130",
		`filename="사진 1.jpg"`: "사진 1.jpg", `filename="e` + strings.Repeat("\u0301", 1000) + `"`: "e" + strings.Repeat("\u0301", 127),
	})},
	{"U28_LongNames", names(map[string]string{
		`filename="` + strings.Repeat("x", 251) + `.jpg"`: strings.Repeat("x", 251) + ".jpg", `filename="` + strings.Repeat("x", 252) + `.jpg"`: strings.Repeat("x", 251) + ".jpg",
		`filename="` + strings.Repeat("x", 996) + `.jpg"`: strings.Repeat("x", 251) + ".jpg", `filename="` + strings.Repeat("사", 4996) + `.jpg"`: strings.Repeat("사", 83) + ".jpg",
	})},
	{"U28_NamesBeyondTheLimit", longestNames},
	{"U29_Forms", forms},
	{"U30_TenThousandFiles", tenThousandFiles},
	{"U31_TextFields", textFields},
}

// names sends a photograph under each name and holds what is shown of it, by
// the API and by the pages, to be clean.
func names(want map[string]string) func(*testing.T, *victim) {
	return func(t *testing.T, v *victim) {
		for parameter, name := range want {
			img := v.stored(t, part{`Content-Disposition: form-data; name="f"; ` + parameter, v.fresh(t)})
			if img.Name != name || !utf8.ValidString(img.Name) {
				t.Errorf("%.60q is shown as %.60q, want %.60q", parameter, img.Name, name)
			}
			served := v.get(t, img.OriginalURL)
			if disposition := served.header.Get("Content-Disposition"); served.status != http.StatusOK || strings.ContainsAny(disposition, "\r\n\x00/\\\x1b") {
				t.Errorf("%.60q is served with %d %q", parameter, served.status, disposition)
			}
			page := v.call(t, http.MethodGet, "/images/"+img.ID, http.StatusOK)
			if bytes.Contains(page.body, []byte("<script>alert")) || !utf8.Valid(page.body) {
				t.Errorf("%.60q runs, or breaks, its page", parameter)
			}
		}
	}
}

// rawNUL is a part's header that is none.
func rawNUL(t *testing.T, v *victim) {
	data := v.fresh(t)
	for _, header := range []string{
		"Content-Disposition: form-data; name=\"f\"; filename=\"a\x00.jpg\"", "no header at all", "Content-Disposition: form-data; filename=\"a.jpg",
	} {
		status, said, _ := v.send(t, part{header, data})
		if status != http.StatusBadRequest || said[0] != "malformed_multipart" {
			t.Errorf("%q was answered with %d %v", header, status, said)
		}
	}
}

func longestNames(t *testing.T, v *victim) {
	for size, want := range map[int]string{20_000: "431 part_header_too_large", 70_000: "431 part_header_too_large", 1 << 20: "400 malformed_multipart"} {
		status, said, _ := v.send(t, upload(strings.Repeat("x", size), v.fresh(t)))
		if got := fmt.Sprint(status, " ", said[0]); got != want {
			t.Errorf("a name of %d bytes was answered with %s, want %s", size, got, want)
		}
	}
}

// tooMuch is more than may stand between the parts of a form, and less than a
// server reads on after its answer: with more, a reset may overtake the answer.
const tooMuch = 200 << 10

// forms are bodies that say one thing and are another.
func forms(t *testing.T, v *victim) {
	data := v.fresh(t)
	whole := string(formOf(upload("a.jpg", data)))
	field := part{`Content-Disposition: form-data; name="files"`, data}
	nested := part{"Content-Disposition: form-data; name=\"f\"\r\nContent-Type: multipart/mixed; boundary=b", []byte("--b\r\nContent-Disposition: file; filename=\"a\"\r\n\r\nx\r\n--b--")}
	const boundary = "multipart/form-data; boundary="
	for name, c := range map[string]struct {
		contentType, body string
		status            int
		code              string
	}{
		"no file name":     {frontierType, string(formOf(field)), 400, "no_files"},
		"empty form":       {frontierType, string(formOf()), 400, "no_files"},
		"no body":          {frontierType, "", 400, "body_incomplete"},
		"nested":           {frontierType, string(formOf(nested)), 400, "no_files"},
		"no boundary":      {"multipart/form-data", whole, 400, "malformed_multipart"},
		"boundary of 200":  {boundary + strings.Repeat("x", 200), whole, 400, "malformed_multipart"},
		"broken parameter": {"multipart/form-data; boundary", whole, 400, "malformed_multipart"},
		"other boundary":   {boundary + "other", whole, 400, "body_incomplete"},
		"long preamble":    {frontierType, strings.Repeat("preamble\r\n", tooMuch/10) + whole, 400, "malformed_multipart"},
		"long line":        {frontierType, strings.Repeat("x", tooMuch) + whole, 400, "malformed_multipart"},
		"json":             {"application/json", "{}", 415, "unsupported_media_type"},
		"url encoded":      {"application/x-www-form-urlencoded", "a=b", 415, "unsupported_media_type"},
		"no type":          {"", whole, 415, "unsupported_media_type"},
	} {
		resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/images", c.contentType, strings.NewReader(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantProblem(t, name, resp, c.status, c.code)
	}
	for header, want := range map[string]string{
		`Content-Disposition: form-data; name="f"; filename="a.jpg"; filename="b.jpg"`:            "422 filename_invalid",
		"Content-Disposition: form-data; filename=\"a.jpg\"\r\nContent-Transfer-Encoding: base64": "422 transfer_encoding_unsupported",
	} {
		if _, said, _ := v.send(t, part{header, data}); !slices.Equal(said, []string{want}) {
			t.Errorf("%q was answered with %v", header, said)
		}
	}
	v.stored(t, part{`Content-Disposition: form-data; name="any name at all"; filename="a.jpg"`, data})
}

// tenThousandFiles: the first are answered, the rest is not read.
func tenThousandFiles(t *testing.T, v *victim) {
	const limit = 1000
	status, said, _ := v.send(t, slices.Repeat([]part{upload("a", []byte("x"))}, 10_000)...)
	if status != http.StatusRequestEntityTooLarge && status != http.StatusUnprocessableEntity ||
		len(said) != limit+1 || said[limit-1] != "422 image_corrupt" || said[limit] != "413 too_many_files" {
		t.Errorf("answered with %d and %d results", status, len(said))
	}
}

func textFields(t *testing.T, v *victim) {
	text := func(name string, size int) part {
		return part{`Content-Disposition: form-data; name="` + name + `"`, bytes.Repeat([]byte("x"), size)}
	}
	lines := part{"Content-Disposition: form-data; name=\"f\"" + strings.Repeat("\r\nX-A: b", 1_000_000), nil}
	for want, parts := range map[string][]part{
		"413 field_too_large":       {text("last_modified", 50<<20), upload("a.jpg", v.fresh(t))},
		"413 too_many_parts":        append(slices.Repeat([]part{text("a", 1)}, 10_000), upload("a.jpg", v.fresh(t))),
		"431 part_header_too_large": {text("a", 1), lines},
	} {
		status, said, _ := v.send(t, parts...)
		if got := fmt.Sprint(status, " ", said[0]); got != want {
			t.Errorf("answered with %s, want %s", got, want)
		}
	}
}
