package contract_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// decoder reads the data of an event into its struct.
type decoder func(event.Event) (any, error)

func into[T any](typ string) decoder {
	return func(e event.Event) (any, error) { return contract.Decode[T](e, typ) }
}

// decoders has every type of event. The golden file of one is testdata/<type>.json.
var decoders = map[string]decoder{
	contract.TypeObjectFinalized: into[contract.ObjectFinalized](contract.TypeObjectFinalized),
	contract.TypeImageUploaded:   into[contract.ImageUploaded](contract.TypeImageUploaded),
	contract.TypeImageRejected:   into[contract.ImageRejected](contract.TypeImageRejected),
	contract.TypeImagePurged:     into[contract.ImagePurged](contract.TypeImagePurged),
	event.DeadLetterType:         into[event.DeadLetter](event.DeadLetterType),
}

func golden(tb testing.TB, typ string) ([]byte, event.Event) {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", typ+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	e, err := event.Decode(body)
	if err != nil {
		tb.Fatalf("%s: %v", typ, err)
	}
	return body, e
}

// TestGolden holds the wire format still: what these files say was published,
// is stored in buckets and queues, and must be read and written as it is.
func TestGolden(t *testing.T) {
	for typ, decode := range decoders {
		t.Run(typ, func(t *testing.T) {
			body, e := golden(t, typ)
			data, err := decode(e)
			if err != nil {
				t.Fatal(err)
			}
			again, err := contract.New(e.ID, e.Source, e.Type, e.Subject, e.Time, data)
			if err != nil {
				t.Fatal(err)
			}
			again.TraceParent = e.TraceParent
			got, err := event.Encode(again)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(body), "\n"), strings.Split(indent(t, got), "\n")); diff != "" {
				t.Errorf("golden file and encoding differ (-golden +encoded):\n%s", diff)
			}
		})
	}
}

func indent(t *testing.T, body []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

// TestGoldenFilesSayEverything: a field that no golden file sets is not held.
func TestGoldenFilesSayEverything(t *testing.T) {
	for typ, decode := range decoders {
		_, e := golden(t, typ)
		data, err := decode(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range unset(reflect.ValueOf(data), typ) {
			t.Errorf("%s is not set in the golden file", path)
		}
	}
}

func unset(v reflect.Value, path string) (out []string) {
	switch {
	case v.IsZero():
		return []string{path}
	case v.Kind() == reflect.Pointer:
		return unset(v.Elem(), path)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		return unset(v.Index(0), path+"[0]")
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			out = append(out, unset(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	}
	return out
}

func TestEveryGoldenFileIsOfAKnownType(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, file := range files {
		types = append(types, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	var known []string
	for typ := range decoders {
		known = append(known, typ)
	}
	slices.Sort(known)
	if diff := cmp.Diff(known, types); diff != "" {
		t.Errorf("types and golden files (-types +files):\n%s", diff)
	}
}

// TestUnknownFieldsAreIgnored adds a field to every object of every event, as a
// newer publisher may.
func TestUnknownFieldsAreIgnored(t *testing.T) {
	for typ, decode := range decoders {
		t.Run(typ, func(t *testing.T) {
			body, e := golden(t, typ)
			want, err := decode(e)
			if err != nil {
				t.Fatal(err)
			}
			newer, err := event.Decode(bytes.ReplaceAll(body, []byte("{\n"), []byte(`{"added_later":{"a":[1,"x",null]},`+"\n")))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(newer)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(sameJSON)); diff != "" {
				t.Errorf("(-without +with):\n%s", diff)
			}
		})
	}
}

// sameJSON compares what an event within an event carries, but for the fields
// that the test added to it.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	delete(x, "added_later")
	delete(y, "added_later")
	return cmp.Equal(x, y)
}

// TestOptionalFieldsMayBeMissing reads what an older publisher wrote.
func TestOptionalFieldsMayBeMissing(t *testing.T) {
	e := event.Event{Type: contract.TypeImageUploaded, Data: json.RawMessage(`{"manifest":{"version":1,"id":"01KAJ","owner":"local",` +
		`"name":"a.png","key":"originals/20261122/01KAJ.png","generation":"1","size":1,"content_type":"image/png","sha256":"00","crc32c":0,` +
		`"width":1,"height":1,"created_at":"2026-11-22T08:30:00Z","renditions":[]}}`)}
	got, err := contract.Decode[contract.ImageUploaded](e, contract.TypeImageUploaded)
	if err != nil {
		t.Fatal(err)
	}
	want := contract.Manifest{
		Version: 1, ID: "01KAJ", Owner: "local", Name: "a.png", Key: "originals/20261122/01KAJ.png", Generation: 1, Size: 1,
		ContentType: "image/png", SHA256: "00", Width: 1, Height: 1, CreatedAt: time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC),
		Renditions: []contract.Rendition{},
	}
	if diff := cmp.Diff(want, got.Manifest); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	back, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(back) != string(e.Data) {
		t.Errorf("what is not known is written down:\n got %s\nwant %s", back, e.Data)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, e := range map[string]event.Event{
		"another type":      {Type: "image.purged.v2", Data: json.RawMessage(`{}`)},
		"no data":           {Type: contract.TypeImagePurged},
		"null":              {Type: contract.TypeImagePurged, Data: json.RawMessage(` null `)},
		"an array":          {Type: contract.TypeImagePurged, Data: json.RawMessage(`[]`)},
		"a number for id":   {Type: contract.TypeImagePurged, Data: json.RawMessage(`{"id":1}`)},
		"cut in the middle": {Type: contract.TypeImagePurged, Data: json.RawMessage(`{"id":"0`)},
	} {
		if _, err := contract.Decode[contract.ImagePurged](e, contract.TypeImagePurged); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
	size := event.Event{Type: contract.TypeObjectFinalized, Data: json.RawMessage(`{"key":"a","generation":1,"size":"x"}`)}
	if _, err := contract.Decode[contract.ObjectFinalized](size, contract.TypeObjectFinalized); fault.KindOf(err) != fault.Invalid {
		t.Errorf("numbers that are not in strings: %v, want Invalid", err)
	}
}

func TestNewRefusesWhatJSONCannotSay(t *testing.T) {
	if _, err := contract.New("1", "/s", "t", "", time.Now(), make(chan int)); err == nil {
		t.Error("an event was made of a channel")
	}
}

func FuzzDecode(f *testing.F) {
	for typ := range decoders {
		_, e := golden(f, typ)
		f.Add(typ, []byte(e.Data))
	}
	f.Add(contract.TypeImageUploaded, []byte(`{"manifest":{"taken_at":"0001-01-01T00:00:00Z","generation":"-9223372036854775808","crc32c":1}}`))
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		decode, known := decoders[typ]
		if !known {
			return
		}
		value, err := decode(event.Event{Type: typ, Data: data})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%v is of kind %s, so it would be tried again", err, fault.KindOf(err))
			}
			return
		}
		first, err := json.Marshal(value)
		if err != nil {
			return // a dead letter around an event whose time JSON cannot say
		}
		again, err := decode(event.Event{Type: typ, Data: first})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("not stable (%v):\n%s\n%s", err, first, second)
		}
	})
}
