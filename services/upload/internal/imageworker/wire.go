package imageworker

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// setup is what a worker is told when it starts.
type setup struct {
	Engine json.RawMessage // what the engine is made of
	Memory int64           // the most that a worker may ever hold beyond its own start
}

// The calls.
const (
	callProbe  = "probe"
	callDerive = "derive"
	callRead   = "read"
)

// request asks a worker for one thing. The image comes with it as a descriptor.
type request struct {
	Call  string
	Size  int64 // of the image in bytes
	Probe ingest.Probe
	Specs []ingest.Spec
}

// response is the answer: what was asked for, or why not.
type response struct {
	Probe    ingest.Probe
	Derived  ingest.Derived // without the renditions' bytes, which are the body
	Sizes    []int          // of the renditions in the body
	Metadata ingest.Metadata
	Failure  *failure
	Mapped   int64 // bytes that the worker's memory has grown to since its start
}

// failure is an error on its way between processes.
type failure struct {
	Kind         fault.Kind
	Code, Detail string
	Cause        string // for the log
}

func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	public := fault.Public(err)
	return &failure{Kind: public.Kind, Code: public.Code, Detail: public.Detail, Cause: err.Error()}
}

// The most that is taken over of what a worker says of an error.
const (
	maxCodeBytes   = 64
	maxDetailBytes = 500
	maxCauseBytes  = 2000
)

// fault is the error again. A kind that nobody knows is Internal, of which a
// client sees nothing.
func (f *failure) fault(op string) error {
	out := &fault.Error{Kind: f.Kind, Op: op, Err: errors.New(cut(f.Cause, maxCauseBytes))}
	if !slices.Contains(fault.Kinds(), f.Kind) {
		out.Kind = fault.Internal
	}
	if out.Kind != fault.Internal && f.Code != out.Kind.String() {
		out.Code, out.Detail = cut(f.Code, maxCodeBytes), cut(f.Detail, maxDetailBytes)
	}
	return out
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// split gives the renditions their bytes, or complains.
func (r *response) split(body []byte) error {
	if len(r.Sizes) != len(r.Derived.Renditions) {
		return fmt.Errorf("%w: %d sizes of %d renditions", errGarbage, len(r.Sizes), len(r.Derived.Renditions))
	}
	for i, size := range r.Sizes {
		if size < 0 || size > len(body) {
			return fmt.Errorf("%w: a rendition of %d bytes, where %d are left", errGarbage, size, len(body))
		}
		r.Derived.Renditions[i].Data = body[:size:size]
		body = body[size:]
	}
	if len(body) > 0 {
		return fmt.Errorf("%w: %d bytes that belong to nothing", errGarbage, len(body))
	}
	return nil
}

// join is the reverse: the renditions' bytes, taken out of the answer.
func (r *response) join() [][]byte {
	renditions := slices.Clone(r.Derived.Renditions)
	var body [][]byte
	for i := range renditions {
		body = append(body, renditions[i].Data)
		r.Sizes = append(r.Sizes, len(renditions[i].Data))
		renditions[i].Data = nil
	}
	r.Derived.Renditions = renditions
	return body
}

// bodyLimit is the most that the renditions of specs may take: more than the
// worst picture does, with a colour profile each.
func bodyLimit(specs []ingest.Spec) int64 {
	const bytesPerPixel, extra, most = 4, 2 << 20, 256 << 20
	var total int64
	for _, s := range specs {
		total += bytesPerPixel*int64(s.LongEdge)*int64(s.LongEdge) + extra
	}
	return min(total, most)
}

// What ends up in names of objects and in headers. A picture with a program in
// it, such as image/svg+xml, is none of these.
var (
	contentTypes = regexp.MustCompile(`^image/[a-z0-9.-]{1,64}$`)
	filmTypes    = regexp.MustCompile(`^video/[a-z0-9.-]{1,64}$`)
	extensions   = regexp.MustCompile(`^\.[a-z0-9]{1,8}$`)
)

func checkProbe(p ingest.Probe, size int64) error {
	if !contentTypes.MatchString(p.ContentType) || !extensions.MatchString(p.Extension) || len(p.Format) > 32 ||
		p.Width < 0 || p.Height < 0 || p.Orientation < 0 || p.Orientation > 8 || p.Frames < 0 || p.MemoryBytes < 0 {
		return fmt.Errorf("%w: an impossible image: %.200q", errGarbage, fmt.Sprint(p))
	}
	if v := p.Motion; v.Offset < 0 || v.Offset > size || v.Length < 0 || v.Length > size-v.Offset ||
		v.Length > 0 && !filmTypes.MatchString(v.ContentType) {
		return fmt.Errorf("%w: an impossible film: %.200q", errGarbage, fmt.Sprint(v))
	}
	return nil
}

// checkMetadata wants no more than [ingest.Metadata] may hold. What the texts say
// is for whoever shows them.
func checkMetadata(m ingest.Metadata) error {
	const maxCaption, maxKeywords, maxText, maxWarnings, maxWarningBytes, maxOffset = 2000, 100, 100, 8, 64, 18 * 60
	texts := append([]string{m.Camera.Make, m.Camera.Model, m.Camera.Lens, m.Camera.ExposureTime}, m.Keywords...)
	long := func(s string) bool { return utf8.RuneCountInString(s) > maxText }
	switch {
	case utf8.RuneCountInString(m.Caption) > maxCaption, len(m.Keywords) > maxKeywords, slices.ContainsFunc(texts, long):
		return fmt.Errorf("%w: a text of the metadata is too long", errGarbage)
	case len(m.Warnings) > maxWarnings, slices.ContainsFunc(m.Warnings, func(w string) bool { return len(w) > maxWarningBytes }):
		return fmt.Errorf("%w: %d warnings", errGarbage, len(m.Warnings))
	case m.Rating < 0 || m.Rating > 5:
		return fmt.Errorf("%w: a rating of %d", errGarbage, m.Rating)
	case m.Place != nil && (math.Abs(m.Place.Latitude) > 90 || math.Abs(m.Place.Longitude) > 180):
		return fmt.Errorf("%w: an impossible place", errGarbage)
	case m.TakenAt != nil && (m.TakenAt.UTC().Year() < 1 || m.TakenAt.UTC().Year() > 9999),
		m.TakenOffset != nil && (*m.TakenOffset < -maxOffset || *m.TakenOffset > maxOffset):
		return fmt.Errorf("%w: an impossible date", errGarbage)
	default:
		return nil
	}
}

// checkDerived wants renditions that were asked for, each once and of a size that
// was asked for.
func checkDerived(d ingest.Derived, specs []ingest.Spec) error {
	const maxPlaceholderBytes = 256
	if d.Width < 1 || d.Height < 1 || len(d.Placeholder) > maxPlaceholderBytes {
		return fmt.Errorf("%w: an impossible picture of %d x %d, placeholder of %d bytes", errGarbage, d.Width, d.Height, len(d.Placeholder))
	}
	seen := map[string]bool{}
	for _, r := range d.Renditions {
		i := slices.IndexFunc(specs, func(s ingest.Spec) bool { return s.Name == r.Name })
		if i < 0 || seen[r.Name] || r.Width < 1 || r.Height < 1 || max(r.Width, r.Height) > specs[i].LongEdge ||
			!contentTypes.MatchString(r.ContentType) || !extensions.MatchString(r.Extension) {
			return fmt.Errorf("%w: an impossible rendition %.40q of %d x %d, %.40q", errGarbage, r.Name, r.Width, r.Height, r.ContentType)
		}
		seen[r.Name] = true
	}
	return nil
}
