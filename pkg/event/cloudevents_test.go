package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

var full = event.Event{
	ID: "01KAJ", Source: "/services/upload", Type: "image.uploaded.v1", Subject: "사진",
	Time:        time.Date(2026, 11, 22, 8, 30, 0, 5, time.FixedZone("KST", 9*3600)),
	TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	Data:        json.RawMessage(`{"html": "<&>"}`),
}

func TestEncodeWritesTheJSONFormat(t *testing.T) {
	got, err := event.Encode(full)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"specversion":"1.0","id":"01KAJ","source":"/services/upload","type":"image.uploaded.v1","subject":"사진",` +
		`"time":"2026-11-21T23:30:00.000000005Z","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",` +
		`"datacontenttype":"application/json","data":{"html":"<&>"}}`
	if string(got) != want {
		t.Errorf("Encode:\n got %s\nwant %s", got, want)
	}
}

func TestEncodeLeavesOutWhatIsNotSet(t *testing.T) {
	got, err := event.Encode(event.Event{ID: "1", Source: "/s", Type: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`; string(got) != want {
		t.Errorf("Encode = %s, want %s", got, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	long := strings.Repeat("x", event.MaxAttributeBytes)
	for name, change := range map[string]func(*event.Event){
		"no id":                     func(e *event.Event) { e.ID = "" },
		"no source":                 func(e *event.Event) { e.Source = "" },
		"no type":                   func(e *event.Event) { e.Type = "" },
		"control character":         func(e *event.Event) { e.Subject = "a\nb" },
		"C1 control character":      func(e *event.Event) { e.Subject = "a\u0085b" },
		"invalid UTF-8":             func(e *event.Event) { e.ID = "a\xff" },
		"source that is no URI":     func(e *event.Event) { e.Source = ":" },
		"source with a space":       func(e *event.Event) { e.Source = "/a b" },
		"attribute beyond limit":    func(e *event.Event) { e.ID = long + "x" },
		"data that is not JSON":     func(e *event.Event) { e.Data = json.RawMessage(`{`) },
		"year that JSON cannot say": func(e *event.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		e := full
		change(&e)
		if _, err := event.Encode(e); !errors.Is(err, event.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	for _, length := range []int{event.MaxAttributeBytes - 1, event.MaxAttributeBytes} {
		e := full
		e.ID = long[:length]
		if _, err := event.Encode(e); err != nil {
			t.Errorf("an id of %d bytes: %v", length, err)
		}
	}
}

func TestDecode(t *testing.T) {
	const required = `"specversion":"1.0","id":"1","source":"/s","type":"t"`
	minimal := event.Event{ID: "1", Source: "/s", Type: "t"}
	with := func(change func(*event.Event)) event.Event { e := minimal; change(&e); return e }
	for name, test := range map[string]struct {
		body string
		want event.Event
		err  error
	}{
		"required only":            {body: `{` + required + `}`, want: minimal},
		"unknown attributes":       {body: `{` + required + `,"x":{"y":[1]},"dataschema":"/z"}`, want: minimal},
		"names are case-sensitive": {body: `{` + required + `,"ID":"2","Type":"u"}`, want: minimal},
		"null is not set":          {body: `{` + required + `,"subject":null}`, want: minimal},
		"JSON by suffix":           {body: `{` + required + `,"datacontenttype":"application/vnd.x+json; charset=utf-8","data":[1]}`, want: with(func(e *event.Event) { e.Data = json.RawMessage(`[1]`) })},
		"bad traceparent ignored":  {body: `{` + required + `,"traceparent":"00-xyz"}`, want: minimal},
		"no id":                    {body: `{"specversion":"1.0","source":"/s","type":"t"}`, err: event.ErrMalformed},
		"empty type":               {body: `{"specversion":"1.0","id":"1","source":"/s","type":""}`, err: event.ErrMalformed},
		"number for a string":      {body: `{"specversion":"1.0","id":1,"source":"/s","type":"t"}`, err: event.ErrMalformed},
		"time that is none":        {body: `{` + required + `,"time":"yesterday"}`, err: event.ErrMalformed},
		"control character":        {body: `{` + required + `,"subject":"a\u0000"}`, err: event.ErrMalformed},
		"no version":               {body: `{"id":"1","source":"/s","type":"t"}`, err: event.ErrVersion},
		"version 2":                {body: `{"specversion":"2.0","id":"1","source":"/s","type":"t"}`, err: event.ErrVersion},
		"XML":                      {body: `{` + required + `,"datacontenttype":"text/xml","data":"<x/>"}`, err: event.ErrData},
		"binary data":              {body: `{` + required + `,"data_base64":"AA=="}`, err: event.ErrData},
		"an array":                 {body: `[]`, err: event.ErrMalformed},
		"two values":               {body: `{` + required + `}{}`, err: event.ErrMalformed},
		"cut":                      {body: `{` + required, err: event.ErrMalformed},
		"empty":                    {body: ``, err: event.ErrMalformed},
		"null":                     {body: `null`, err: event.ErrVersion},
		"invalid UTF-8":            {body: `{` + required + `,"subject":"` + "\xff" + `"}`, err: event.ErrMalformed},
		"nested too deep":          {body: `{` + required + `,"data":` + strings.Repeat("[", 100_000), err: event.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.Decode([]byte(test.body))
			if !errors.Is(err, test.err) {
				t.Fatalf("Decode: %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); err == nil && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeLimits(t *testing.T) {
	body := func(typ string, size int) []byte {
		head := `{"specversion":"1.0","id":"1","source":"/s","type":"` + typ + `","data":"`
		return []byte(head + strings.Repeat("x", size-len(head)-2) + `"}`)
	}
	for _, test := range []struct {
		typ   string
		limit int
	}{{"t", event.MaxBytes}, {event.DeadLetterType, 2 * event.MaxBytes}} {
		for _, size := range []int{test.limit - 1, test.limit} {
			if _, err := event.Decode(body(test.typ, size)); err != nil {
				t.Errorf("%s of %d bytes: %v", test.typ, size, err)
			}
		}
		if _, err := event.Decode(body(test.typ, test.limit+1)); !errors.Is(err, event.ErrTooLarge) {
			t.Errorf("%s of %d bytes: %v, want ErrTooLarge", test.typ, test.limit+1, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	if body, err := event.Encode(full); err == nil {
		f.Add(body)
	}
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`,
		`{"specversion":"1.0","id":"1","source":"%","type":"t","time":"0000-01-01T00:00:00+23:59","data":null}`,
		`{"specversion":"1.0","id":"\ud800","source":"/s","type":"t","data":{"a":1e999}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := event.Decode(body)
		if err != nil {
			switch fault.KindOf(err) {
			case fault.Invalid, fault.Unsupported, fault.TooLarge:
				return // the kinds that are set aside at once
			default:
				t.Fatalf("%v is of kind %s, so it would be tried again", err, fault.KindOf(err))
			}
		}
		again, err := event.Encode(e)
		if errors.Is(err, event.ErrTooLarge) || (errors.Is(err, event.ErrMalformed) && (e.Time.UTC().Year() < 0 || e.Time.UTC().Year() > 9999)) {
			return // escapes, or a zone, took it beyond what is written
		}
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := event.Decode(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
		if third, err := event.Encode(back); err != nil || string(third) != string(again) {
			t.Errorf("not stable (%v):\n%s\n%s", err, again, third)
		}
	})
}
