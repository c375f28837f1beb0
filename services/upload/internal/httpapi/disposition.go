package httpapi

import (
	"net/textproto"
	"net/url"
	"strings"
)

// disposition is what a part's Content-Disposition says.
type disposition struct {
	name     string
	isFile   bool   // it has a file name, be it empty
	fileName string // as sent; hostile
	refusal  error  // of the file, where its name is beyond reading
}

// dispositionOf reads a part's Content-Disposition. The standard library's own
// reading loses a name that is given twice and takes a backslash, which Windows
// once sent in paths, for an escape.
func dispositionOf(header textproto.MIMEHeader) (disposition, error) {
	values := header.Values("Content-Disposition")
	if len(values) != 1 {
		return disposition{}, errMalformed
	}
	return parseDisposition(values[0])
}

func parseDisposition(value string) (disposition, error) {
	typ, rest, _ := strings.Cut(value, ";")
	if !strings.EqualFold(strings.TrimSpace(typ), "form-data") {
		return disposition{}, errMalformed
	}
	seen := map[string]string{}
	d := disposition{}
	for rest = strings.TrimLeft(rest, " \t;"); rest != ""; rest = strings.TrimLeft(rest, " \t;") {
		name, text, left, ok := parameter(rest)
		if !ok {
			return disposition{}, errMalformed
		}
		if _, twice := seen[name]; twice && strings.HasPrefix(name, "filename") {
			d.refusal = errFileName
		}
		seen[name], rest = text, left
	}
	d.name = seen["name"]
	d.setFileName(seen)
	return d, nil
}

// parameter reads one name=value, quoted or not, from the front of s.
func parameter(s string) (name, value, rest string, ok bool) {
	name, s, ok = strings.Cut(s, "=")
	name, s = strings.ToLower(strings.TrimSpace(name)), strings.TrimLeft(s, " \t")
	if !ok || name == "" || strings.ContainsAny(name, "\";") {
		return "", "", "", false
	}
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return name, strings.TrimSpace(value), rest, true
	}
	value, rest, ok = quoted(s[1:])
	rest = strings.TrimLeft(rest, " \t")
	return name, value, rest, ok && (rest == "" || rest[0] == ';')
}

// quoted reads up to the closing quote. Only \" and \\ are escapes.
func quoted(s string) (value, rest string, ok bool) {
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			return text.String(), s[i+1:], true
		}
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		text.WriteByte(s[i])
	}
	return "", "", false
}

// browserEscapes are the only characters that a browser escapes in a name.
// https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
var browserEscapes = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

// setFileName prefers filename*, which says its character set.
func (d *disposition) setFileName(seen map[string]string) {
	simple, hasSimple := seen["filename"]
	extended, hasExtended := seen["filename*"]
	d.isFile = hasSimple || hasExtended
	if name, ok := extendedValue(extended); ok {
		d.fileName = name
		return
	}
	d.fileName = browserEscapes.Replace(simple)
	if hasExtended && !hasSimple {
		d.refusal = errFileName
	}
}

// extendedValue decodes charset'language'percent-encoded (RFC 5987).
func extendedValue(s string) (string, bool) {
	charset, rest, ok := strings.Cut(s, "'")
	_, encoded, ok2 := strings.Cut(rest, "'")
	if !ok || !ok2 || !strings.EqualFold(charset, "utf-8") {
		return "", false
	}
	name, err := url.PathUnescape(encoded)
	return name, err == nil
}
