package pages

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// LanguageCookie names the cookie in which the language switch keeps a choice.
const LanguageCookie = "lang"

// fallback is the language of whoever asks for one we do not have.
const fallback = "en"

// maxAcceptLanguage bounds how much of the header is read; browsers send well
// under 100 bytes.
const maxAcceptLanguage = 256

// Languages are the languages that the pages speak, as BCP 47 tags.
func Languages() []string { return []string{"en", "ko"} }

var matcher = language.NewMatcher([]language.Tag{language.English, language.Korean})

// Language chooses the language of the answer to r: the cookie if it names one
// of ours, else the best match for the first 256 bytes of Accept-Language, else
// English.
func (p *Pages) Language(r *http.Request) string {
	if c, err := r.Cookie(LanguageCookie); err == nil {
		if slices.Contains(Languages(), c.Value) {
			return c.Value
		}
	}
	accept := r.Header.Get("Accept-Language")
	if len(accept) > maxAcceptLanguage {
		accept = accept[:strings.LastIndexByte(accept[:maxAcceptLanguage], ',')+1]
	}
	// A header that cannot be parsed gives no tags, and so the fallback.
	tags, _, _ := language.ParseAcceptLanguage(strings.TrimRight(accept, ","))
	_, index, _ := matcher.Match(tags...)
	return Languages()[index]
}
