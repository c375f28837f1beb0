package httpx

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Limits on a query string.
const (
	MaxQueryBytes      = 8 << 10
	MaxQueryParameters = 32
)

// Query is a checked query string: every parameter is one of the allowed names
// and appears once.
type Query struct{ values url.Values }

// ParseQuery reads the query of r. Unlike r.URL.Query, which gives an empty map
// for a query that is too long or malformed, so that every filter silently
// vanishes, it refuses what it cannot read in full.
func ParseQuery(r *http.Request, allowed ...string) (Query, error) {
	return parseQuery(r, allowed, false)
}

// ParsePageQuery is ParseQuery for a page that people come to from elsewhere: a
// parameter that is not known, such as the ones that mail programs and social
// networks append to links, is left out instead of refused.
func ParsePageQuery(r *http.Request, allowed ...string) (Query, error) {
	return parseQuery(r, allowed, true)
}

func parseQuery(r *http.Request, allowed []string, lenient bool) (Query, error) {
	raw := r.URL.RawQuery
	if len(raw) > MaxQueryBytes || strings.Count(raw, "&") >= MaxQueryParameters {
		return Query{}, fault.Newf(fault.Invalid, "too_many_parameters",
			"The query has more than %d parameters or %d bytes.", MaxQueryParameters, MaxQueryBytes)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return Query{}, fault.New(fault.Invalid, "query_malformed", "The query string cannot be read.").With("httpx.ParseQuery", err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		known := slices.Contains(allowed, name)
		if !known && lenient {
			delete(values, name)
			continue
		}
		if !known {
			return Query{}, &fault.Error{
				Kind: fault.Invalid, Code: "unknown_parameter", Detail: "The query has a parameter that is not known here.",
				Fields: []fault.Field{{Parameter: name, Code: "unknown", Detail: "This parameter is not known."}},
			}
		}
		if len(values[name]) != 1 {
			return Query{}, fault.Parameter(name, "The parameter "+name+" may be given once only.")
		}
	}
	return Query{values}, nil
}

// String is the value of name, or "".
func (q Query) String(name string) string { return q.values.Get(name) }

// Has reports whether name was given.
func (q Query) Has(name string) bool { return q.values.Has(name) }

// Int is the value of name as a decimal number of low..high, or preset where it
// was not given. A value outside is refused, never clamped.
func (q Query) Int(name string, preset, low, high int) (int, error) {
	if !q.Has(name) {
		return preset, nil
	}
	text := q.String(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high || strconv.Itoa(n) != text {
		return 0, fault.Parameter(name, "The parameter "+name+" must be a whole number from "+
			strconv.Itoa(low)+" to "+strconv.Itoa(high)+".")
	}
	return n, nil
}

// Bool is the value of name, "true" or "false", or false where it was not given.
func (q Query) Bool(name string) (bool, error) {
	switch text := q.String(name); {
	case !q.Has(name) || text == "false":
		return false, nil
	case text == "true":
		return true, nil
	default:
		return false, fault.Parameter(name, "The parameter "+name+" must be true or false.")
	}
}
