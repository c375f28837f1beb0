package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/web"
)

// An address that goes into a policy and into pages is one that means nothing
// else there.
func TestTheAddressOfTheFilesIsChecked(t *testing.T) {
	for text, ok := range map[string]bool{
		"":                                      true,
		"https://storage.googleapis.com/bucket": true,
		"http://127.0.0.1:4443/static":          true,
		"https://cdn.example":                   true,
		"https://cdn.example/":                  false,
		"//cdn.example":                         false,
		"cdn.example":                           false,
		"ftp://cdn.example":                     false,
		"https://cdn.example/a;script-src":      false,
		"https://cdn.example/a 'unsafe-inline'": false,
		"https://cdn.example/a,b":               false,
		"https://cdn.example/?a":                false,
		"https://user:secret@cdn.example":       false,
		"javascript:alert(1)":                   false,
	} {
		c := web.Config{MaxFiles: 1, MaxFileBytes: 1, MaxRequestBytes: 1, IdleBody: time.Second, StaticURL: text}
		if err := c.Validate(); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "SAJIN_STATIC_URL") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
