package pages

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// scriptPrefix marks the messages that the scripts use; faultPrefix the
// sentences for error codes, which both sides use.
const (
	scriptPrefix = "js."
	faultPrefix  = "fault."
)

// message is one text, or one text per plural form (CLDR: one, other). Which
// form applies is decided by the parameter "n".
type message struct {
	Text  string
	Forms map[string]string
}

// UnmarshalJSON reads "text" or {"one": "text", "other": "text"}.
func (m *message) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &m.Text)
	}
	return json.Unmarshal(data, &m.Forms)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (m message) MarshalJSON() ([]byte, error) {
	if m.Forms != nil {
		return json.Marshal(m.Forms)
	}
	return json.Marshal(m.Text)
}

// catalogue is the messages of one language.
type catalogue struct {
	tag  language.Tag
	byID map[string]message
}

func loadCatalogue(from fs.FS, tag string) (*catalogue, error) {
	data, err := fs.ReadFile(from, "locales/"+tag+".json")
	if err != nil {
		return nil, err
	}
	c := &catalogue{tag: language.Make(tag)}
	if err := json.Unmarshal(data, &c.byID); err != nil {
		return nil, err
	}
	return c, nil
}

// text is a message with its parameters, given as name, value, name, value.
// An unknown key is an error: a page with a hole in it must not be served.
func (c *catalogue) text(key string, params ...any) (string, error) {
	m, ok := c.byID[key]
	if !ok {
		return "", fmt.Errorf("no message %q in %q", key, c.tag)
	}
	if len(params)%2 != 0 {
		return "", fmt.Errorf("message %q: parameters come in pairs", key)
	}
	text := m.Text
	pairs := make([]string, 0, len(params))
	for i := 0; i < len(params); i += 2 {
		if params[i] == "n" && m.Forms != nil {
			text = m.Forms[c.form(params[i+1])]
		}
		pairs = append(pairs, fmt.Sprintf("{%v}", params[i]), c.value(params[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// form is the plural form for a count, by the language's CLDR rule.
func (c *catalogue) form(n any) string {
	var count int
	switch v := n.(type) {
	case int:
		count = v
	case int64:
		count = int(v)
	}
	// The rule of a whole number: its digits, no fraction.
	if plural.Cardinal.MatchPlural(c.tag, count, 0, 0, 0, 0) == plural.One {
		return "one"
	}
	return "other"
}

// value writes a parameter: numbers with the thousands apart.
func (c *catalogue) value(v any) string {
	switch n := v.(type) {
	case int:
		return grouped(int64(n))
	case int64:
		return grouped(n)
	default:
		return fmt.Sprint(v)
	}
}

// grouped writes n with a comma between thousands, as English and Korean do.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// forScript is the messages that are delivered to the scripts.
func (c *catalogue) forScript() map[string]message {
	out := map[string]message{}
	for key, m := range c.byID {
		if strings.HasPrefix(key, scriptPrefix) || strings.HasPrefix(key, faultPrefix) {
			out[key] = m
		}
	}
	return out
}
