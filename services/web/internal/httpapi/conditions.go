package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

var (
	errPrecondition = fault.New(fault.PreconditionFailed, "precondition_failed", "The picture is not the one that was asked for.")
	errRange        = fault.New(fault.RangeNotSatisfiable, "range_not_satisfiable", "The picture has no such bytes.")
)

// span is a run of bytes.
type span struct{ offset, length int64 }

// contentRange is the span as a Content-Range header says it.
func (s span) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", s.offset, s.offset+s.length-1, size)
}

// hasCondition reports whether the answer depends on the file's version or size.
// If-Modified-Since does not: no date is ever sent that it could refer to.
func hasCondition(header http.Header) bool {
	for _, name := range []string{"Range", "If-Match", "If-None-Match"} {
		if header.Get(name) != "" {
			return true
		}
	}
	return false
}

// field is a header that is a list, which may be spread over several lines.
func field(r *http.Request, name string) string { return strings.Join(r.Header.Values(name), ",") }

// evaluate applies the preconditions and the range of r in the order of RFC
// 9110, section 13.2.2, to a file with that entity tag and size. The error is a
// failed precondition or a range that cannot be satisfied.
func evaluate(r *http.Request, tag string, size int64) (status int, part span, err error) {
	whole := span{0, size}
	if want := field(r, "If-Match"); want != "" && !matches(want, tag, false) {
		return 0, whole, errPrecondition
	}
	if have := field(r, "If-None-Match"); have != "" && matches(have, tag, true) {
		return http.StatusNotModified, whole, nil
	}
	ifRange := r.Header.Get("If-Range")
	if r.Method != http.MethodGet || (ifRange != "" && ifRange != tag) {
		return http.StatusOK, whole, nil
	}
	part, err = parseRange(field(r, "Range"), size)
	switch {
	case errors.Is(err, errNoRange):
		return http.StatusOK, whole, nil
	case err != nil:
		return 0, whole, err
	default:
		return http.StatusPartialContent, part, nil
	}
}

// matches reports whether a list of entity tags names tag, which is strong. A
// weak comparison takes W/"x" for "x".
func matches(list, tag string, weak bool) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	// Our tags hold no comma, so an element that a comma in a foreign tag makes
	// cannot be equal to one of ours.
	for element := range strings.SplitSeq(list, ",") {
		element = strings.TrimSpace(element)
		if weak {
			element = strings.TrimPrefix(element, "W/")
		}
		if element == tag {
			return true
		}
	}
	return false
}

// errNoRange: the request is answered as if it had no range.
var errNoRange = errors.New("httpapi: no range to serve")

// parseRange reads a Range header. Units that are not bytes are ignored, as RFC
// 9110 asks; so are several ranges, since pictures are not read that way and
// ten thousand one-byte ranges cost more than the file. A range that is
// malformed or beyond the end is errRange.
func parseRange(header string, size int64) (span, error) {
	unit, set, found := strings.Cut(header, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || strings.Contains(set, ",") {
		return span{}, errNoRange
	}
	from, to, found := strings.Cut(strings.TrimSpace(set), "-")
	if !found {
		return span{}, errRange
	}
	if from == "" {
		return lastBytes(to, size)
	}
	start, ok := position(from)
	if !ok || start >= size {
		return span{}, errRange
	}
	if to == "" {
		return span{start, size - start}, nil
	}
	end, ok := position(to)
	if !ok || end < start {
		return span{}, errRange
	}
	return span{start, min(end, size-1) - start + 1}, nil
}

// lastBytes is the range of the last n bytes.
func lastBytes(n string, size int64) (span, error) {
	count, ok := position(n)
	if !ok || count == 0 || size == 0 {
		return span{}, errRange
	}
	count = min(count, size)
	return span{size - count, count}, nil
}

// position reads a decimal number without a sign.
func position(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
