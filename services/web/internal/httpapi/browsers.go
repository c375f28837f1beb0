package httpapi

import "strings"

// known are the parts of a User-Agent that tell a browser, the more special
// first: most of them claim to be Chrome and Safari as well.
var known = []struct{ mark, name string }{
	{"Edg", "Edge"},
	{"OPR/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"Whale/", "Whale"},
	{"KAKAOTALK", "KakaoTalk"},
	{"Firefox/", "Firefox"},
	{"FxiOS/", "Firefox"},
	{"CriOS/", "Chrome"},
	{"Chrome/", "Chrome"},
	{"Safari/", "Safari"},
	{"curl/", "curl"},
}

var systems = []struct{ mark, name string }{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"}, {"Macintosh", "Mac"}, {"Linux", "Linux"},
}

// browserOf is what a person calls a browser, such as "Firefox, Windows", or "".
// It is a help to recognise one's own, and decides nothing.
func browserOf(agent string) string {
	var out []string
	for _, table := range [][]struct{ mark, name string }{known, systems} {
		for _, one := range table {
			if strings.Contains(agent, one.mark) {
				out = append(out, one.name)
				break
			}
		}
	}
	return strings.Join(out, ", ")
}
