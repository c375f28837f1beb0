package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// ContentType is the media type of an encoded event.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
const ContentType = "application/cloudevents+json"

const (
	// SpecVersion is the version of CloudEvents that is spoken.
	SpecVersion = "1.0"
	// DataContentType is the media type of every event's data.
	DataContentType = "application/json"
	// MaxAttributeBytes bounds each attribute of an event.
	MaxAttributeBytes = 2048
	// maxDeadBytes lets a dead letter hold an event of MaxBytes, or as much raw
	// data in base64, beside its own fields. It is below JetStream's 1 MiB.
	maxDeadBytes = 2 * MaxBytes
)

// The errors of Encode and Decode.
var (
	ErrTooLarge  = fault.New(fault.TooLarge, "event_too_large", "The event is larger than is allowed.")
	ErrMalformed = fault.New(fault.Invalid, "event_malformed", "The event cannot be read.")
	ErrVersion   = fault.New(fault.Unsupported, "event_version_unknown", "The event is of a version of CloudEvents that is not known.")
	ErrData      = fault.New(fault.Unsupported, "event_data_unsupported", "The event's data is not JSON.")
)

// envelope is the JSON format of CloudEvents 1.0, in the order it is written.
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            time.Time       `json:"time,omitzero"`
	TraceParent     string          `json:"traceparent,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
}

// Encode is e in the JSON format of CloudEvents, compact. It is ErrMalformed
// where a required attribute is missing, an attribute is not one, or the data
// is not JSON, and ErrTooLarge beyond MaxBytes.
func Encode(e Event) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	body, err := marshal(e)
	if err != nil {
		return nil, ErrMalformed.With("event.Encode", err)
	}
	if len(body) > maxBytes(e.Type) {
		return nil, ErrTooLarge
	}
	return body, nil
}

// Decode reads what Encode wrote, or what any other producer of CloudEvents in
// JSON did. Attributes it does not know are ignored, and so is a traceparent
// that is not one, as its specification demands. Safe for hostile input.
func Decode(body []byte) (Event, error) {
	if len(body) > maxDeadBytes {
		return Event{}, ErrTooLarge
	}
	var e Event
	if err := e.UnmarshalJSON(body); err != nil {
		return Event{}, err
	}
	if len(body) > maxBytes(e.Type) {
		return Event{}, ErrTooLarge
	}
	return e, nil
}

func maxBytes(typ string) int {
	if typ == DeadLetterType {
		return maxDeadBytes
	}
	return MaxBytes
}

// MarshalJSON writes the JSON format of CloudEvents.
func (e Event) MarshalJSON() ([]byte, error) {
	out := envelope{
		SpecVersion: SpecVersion, ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject,
		TraceParent: e.TraceParent, Data: e.Data,
	}
	if !e.Time.IsZero() {
		out.Time = e.Time.UTC()
	}
	if len(e.Data) > 0 {
		out.DataContentType = DataContentType
	}
	return marshal(out)
}

// UnmarshalJSON reads the JSON format of CloudEvents. The errors are Decode's.
func (e *Event) UnmarshalJSON(body []byte) error {
	// Attribute names are case-sensitive, which decoding into a struct is not.
	var fields map[string]json.RawMessage
	if !utf8.Valid(body) {
		return ErrMalformed.With("event.Decode", errors.New("not UTF-8"))
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		return ErrMalformed.With("event.Decode", err)
	}
	in, err := readEnvelope(fields)
	if err != nil {
		return err
	}
	if !ValidTraceParent(in.TraceParent) {
		in.TraceParent = ""
	}
	*e = Event{
		ID: in.ID, Source: in.Source, Type: in.Type, Subject: in.Subject,
		Time: in.Time, TraceParent: in.TraceParent, Data: in.Data,
	}
	return e.check()
}

// ValidTraceParent reports whether text has the form of a W3C traceparent.
func ValidTraceParent(text string) bool { return traceParentForm.MatchString(text) }

// https://www.w3.org/TR/trace-context/#traceparent-header-field-values
var traceParentForm = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

func readEnvelope(fields map[string]json.RawMessage) (envelope, error) {
	var in envelope
	for name, into := range map[string]any{
		"specversion": &in.SpecVersion, "id": &in.ID, "source": &in.Source, "type": &in.Type, "subject": &in.Subject,
		"time": &in.Time, "traceparent": &in.TraceParent, "datacontenttype": &in.DataContentType,
	} {
		if value, there := fields[name]; there {
			if err := json.Unmarshal(value, into); err != nil {
				return in, ErrMalformed.With("event.Decode "+name, err)
			}
		}
	}
	in.Data = fields["data"]
	if in.SpecVersion != SpecVersion {
		return in, ErrVersion
	}
	if _, binary := fields["data_base64"]; binary || !isJSON(in.DataContentType) {
		return in, ErrData
	}
	return in, nil
}

// isJSON takes "" for JSON, as the format's section 3.1 does.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == DataContentType || strings.HasSuffix(mediaType, "+json"))
}

// check holds the attributes to the specification: the required ones are there,
// and each is a string without control characters.
func (e Event) check() error {
	if e.ID == "" || e.Source == "" || e.Type == "" {
		return ErrMalformed.With("event.check", errors.New("a required attribute is missing"))
	}
	for _, attribute := range []string{e.ID, e.Source, e.Type, e.Subject, e.TraceParent} {
		if len(attribute) > MaxAttributeBytes || !utf8.ValidString(attribute) || strings.ContainsFunc(attribute, control) {
			return ErrMalformed.With("event.check", errors.New("an attribute is too long or holds a control character"))
		}
	}
	if _, err := url.Parse(e.Source); err != nil || strings.Contains(e.Source, " ") {
		return ErrMalformed.With("event.check", errors.New("the source is no URI reference"))
	}
	return nil
}

func control(r rune) bool { return r < 0x20 || (r >= 0x7f && r <= 0x9f) }

// marshal leaves '<', '>' and '&' in the data as they are: an event is not
// HTML, and escaping them would make it longer on its way.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
