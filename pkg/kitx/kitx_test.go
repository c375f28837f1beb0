package kitx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-kit/kit/endpoint"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type ask struct {
	Name string `json:"name"`
	Sub  *ask   `json:"sub,omitempty"`
	List []any  `json:"list,omitempty"`
}

type told struct {
	Text   string  `json:"text"`
	Number float64 `json:"number"`
}

type created struct{ told }

func (created) StatusCode() int { return http.StatusCreated }

func nothing(*http.Request) (kitx.None, error) { return kitx.None{}, nil }

// serve answers one request with what f gives.
func serve[Resp any](f func() (Resp, error), middlewares ...endpoint.Middleware) *httptest.ResponseRecorder {
	h := kitx.Handler(func(context.Context, kitx.None) (Resp, error) { return f() }, nothing, middlewares...)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/v1/x", nil))
	return rec
}

func TestHandlerAnswers(t *testing.T) {
	rec := serve(func() (told, error) { return told{Text: "<b>"}, nil })
	if rec.Code != 200 || rec.Body.String() != "{\"text\":\"\\u003cb\\u003e\",\"number\":0}\n" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Length": "36",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if rec := serve(func() (created, error) { return created{}, nil }); rec.Code != 201 {
		t.Errorf("a response's own status: %d", rec.Code)
	}
	if rec := serve(func() (kitx.None, error) { return kitx.None{}, nil }); rec.Code != 204 || rec.Body.Len() != 0 {
		t.Errorf("None: %d %q", rec.Code, rec.Body)
	}
}

// P12: whatever goes wrong comes as a problem and shows nothing internal.
func TestHandlerAnswersEveryErrorAsAProblem(t *testing.T) {
	cause := errors.New("Error 1045 (28000): Access denied for user 'root'")
	fails := map[string]func() (told, error){
		"a bare error":    func() (told, error) { return told{}, cause },
		"not encodable":   func() (told, error) { return told{Number: math.Inf(1)}, nil },
		"a wrapped fault": func() (told, error) { return told{}, fmt.Errorf("x: %w", fault.As(fault.Internal, "op", cause)) },
	}
	for _, k := range fault.Kinds() {
		fails[k.String()] = func() (told, error) { return told{}, fault.New(k, k.String(), "A sentence.").With("op", cause) }
	}
	for name, f := range fails {
		rec := serve(f)
		var d problem.Details
		if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Header().Get("Content-Type") != problem.ContentType || d.Status != rec.Code || rec.Code < 400 {
			t.Errorf("%s: %d %v %s", name, rec.Code, rec.Header(), rec.Body)
		}
		if strings.Contains(rec.Body.String(), "1045") || d.Instance != "/v1/x" {
			t.Errorf("%s: %s", name, rec.Body)
		}
		for _, k := range fault.Kinds() {
			if k.String() == name && rec.Code != problem.Status(k) {
				t.Errorf("%s: %d", name, rec.Code)
			}
		}
	}
}

func TestHandlerDoesNotCallTheUseCaseForABadRequest(t *testing.T) {
	h := kitx.Handler(
		func(context.Context, ask) (told, error) { t.Error("called"); return told{}, nil },
		func(*http.Request) (ask, error) { return ask{}, fault.Parameter("limit", "Wrong.") },
	)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != 400 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// mark notes that an endpoint was passed.
func mark(order *string, name string) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			*order += name
			return next(ctx, request)
		}
	}
}

func TestHandlerPutsTheFirstMiddlewareOutermost(t *testing.T) {
	var order string
	serve(func() (told, error) { order += "f"; return told{}, nil }, mark(&order, "a"), mark(&order, "b"))
	if order != "abf" {
		t.Errorf("order %q", order)
	}
}

func TestEndpointsAreTyped(t *testing.T) {
	e := kitx.Endpoint(func(_ context.Context, r ask) (told, error) { return told{Text: r.Name}, nil })
	if got, err := kitx.Call[ask, told](e)(t.Context(), ask{Name: "x"}); got.Text != "x" || err != nil {
		t.Errorf("%v %v", got, err)
	}
	if _, err := e(t.Context(), 7); fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("a request of another type: %v", err)
	}
	if _, err := kitx.Call[ask, int](e)(t.Context(), ask{}); fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("a response of another type: %v", err)
	}
}

func decode(body io.Reader, limit int64) (ask, error) {
	return kitx.DecodeJSON[ask](httptest.NewRequest("POST", "/", body), limit)
}

// P07 and P08. Of a key that is given twice the last counts, and a key may be
// spelt in another case: encoding/json's rules, which every service shares.
func TestDecodeJSON(t *testing.T) {
	deep := strings.Repeat(`{"sub":`, 20_000) + "{}" + strings.Repeat("}", 20_000)
	cases := map[string]struct {
		body string
		code string // of the refusal
		want string // the name
	}{
		"an object":               {`{"name":"a"}`, "", "a"},
		"in white space":          {" \t\r\n{\"name\":\"a\"} \n", "", "a"},
		"an empty object":         {`{}`, "", ""},
		"a key twice":             {`{"name":"a","name":"b"}`, "", "b"},
		"a key in capitals":       {`{"NAME":"a"}`, "", "a"},
		"null for a string":       {`{"name":null}`, "", ""},
		"a lone surrogate":        {`{"name":"\ud800"}`, "", "\ufffd"},
		"invalid UTF-8":           {"{\"name\":\"\xff\"}", "", "\ufffd"},
		"nothing":                 {``, "json_malformed", ""},
		"white space":             {" \n", "json_malformed", ""},
		"null":                    {`null`, "json_malformed", ""},
		"an array":                {`[{"name":"a"}]`, "json_malformed", ""},
		"a string":                {`"name"`, "json_malformed", ""},
		"a byte order mark":       {"\ufeff{}", "json_malformed", ""},
		"an unknown key":          {`{"owner":"b"}`, "json_malformed", ""},
		"an unknown key below":    {`{"sub":{"owner":"b"}}`, "json_malformed", ""},
		"a second value":          {`{"name":"a"}{"name":"b"}`, "json_malformed", ""},
		"something after":         {`{"name":"a"} x`, "json_malformed", ""},
		"a bracket after":         {`{"name":"a"}]`, "json_malformed", ""},
		"cut short":               {`{"name":"a"`, "json_malformed", ""},
		"a number for a string":   {`{"name":1}`, "json_malformed", ""},
		"NaN":                     {`{"list":[NaN]}`, "json_malformed", ""},
		"a number out of bounds":  {`{"list":[1e400]}`, "json_malformed", ""},
		"a comment":               {`{/**/}`, "json_malformed", ""},
		"single quotes":           {`{'name':'a'}`, "json_malformed", ""},
		"20000 levels":            {deep, "json_malformed", ""},
		"a control in the string": {"{\"name\":\"a\x00\"}", "json_malformed", ""},
	}
	for name, c := range cases {
		got, err := decode(strings.NewReader(c.body), 1<<20)
		code := ""
		if err != nil {
			code = problem.From(err).Code
		}
		if code != c.code || (err == nil && got.Name != c.want) {
			t.Errorf("%s: %q %q (%v), want %q %q", name, got.Name, code, err, c.want, c.code)
		}
	}
}

func TestDecodeJSONLimit(t *testing.T) {
	const body = `{"name":"abc"}`
	for limit, ok := range map[int64]bool{int64(len(body)) + 1: true, int64(len(body)): true, int64(len(body)) - 1: false} {
		got, err := decode(strings.NewReader(body), limit)
		if ok != (err == nil) || ok != (got.Name == "abc") {
			t.Errorf("limit %d: %+v %v", limit, got, err)
		}
		if !ok && problem.From(err).Status != http.StatusRequestEntityTooLarge {
			t.Errorf("limit %d: %v", limit, problem.From(err))
		}
	}
}

func TestDecodeJSONOfABodyThatEndsEarly(t *testing.T) {
	body := io.MultiReader(strings.NewReader(`{"name":"a"}`), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := decode(body, 1<<20)
	if d := problem.From(err); d.Code != "body_incomplete" || d.Status != 400 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%+v %v", d, err)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"name":"a"}`, `{}`, `null`, `[]`, `{"sub":{"sub":{}}}`, `{"list":[1,"x",null]}`, "\ufeff{}", `{}{}`, `{"name":"a"`, ""} {
		f.Add([]byte(seed))
	}
	const limit = 1 << 10
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decode(bytes.NewReader(body), limit)
		if err != nil {
			if status := problem.From(err).Status; status != 400 && status != 413 {
				t.Errorf("%q: %d %v", body, status, err)
			}
			return
		}
		if len(body) > limit || !json.Valid(body) {
			t.Errorf("%q was accepted", body)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(bytes.NewReader(again), int64(len(again))); err != nil {
			t.Errorf("%q was read as %s, which is refused: %v", body, again, err)
		}
	})
}
