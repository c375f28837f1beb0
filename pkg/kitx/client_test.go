package kitx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// target is a service that h is.
func target(h http.HandlerFunc) kitx.Target {
	return kitx.Target{
		Base: &url.URL{Scheme: "http", Host: "catalog.internal", Path: "/base"},
		HTTP: kitx.NoRedirects(httpx.InProcess{Handler: h}),
	}
}

// client asks h for a told.
func client(h http.HandlerFunc, middlewares ...endpoint.Middleware) kitx.UseCase[ask, told] {
	return kitx.Client[ask, told](target(h), "POST",
		func(r ask) (string, url.Values, any) { return "/v1/names/" + r.Name, url.Values{"q": {"a b"}}, r }, middlewares...)
}

func TestClientCalls(t *testing.T) {
	ctx := problem.WithRequestID(identity.WithOwner(t.Context(), "mina"), "req-1")
	got, err := client(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.RequestURI != "/base/v1/names/x?q=a+b" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v", r.Method, r.RequestURI, r.Header)
		}
		if r.Header.Get(identity.OwnerHeader) != "mina" || r.Header.Get(httpx.RequestIDHeader) != "req-1" {
			t.Errorf("%v", r.Header)
		}
		if body, err := kitx.DecodeJSON[ask](r, r.ContentLength); body.Name != "x" || err != nil {
			t.Errorf("%v %v", body, err)
		}
		_, _ = io.WriteString(w, `{"text":"yes","unknown":1}`)
	})(ctx, ask{Name: "x"})
	if got.Text != "yes" || err != nil {
		t.Errorf("%+v %v", got, err)
	}
}

func TestClientSaysNothingItDoesNotKnow(t *testing.T) {
	get := kitx.Client[kitx.None, kitx.None](target(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{identity.OwnerHeader, httpx.RequestIDHeader, "Content-Type"} {
			if _, set := r.Header[name]; set {
				t.Errorf("%s is set", name)
			}
		}
		if r.ContentLength != 0 || r.URL.RawQuery != "" {
			t.Errorf("length %d, query %q", r.ContentLength, r.URL.RawQuery)
		}
		w.WriteHeader(http.StatusNoContent)
	}), "GET", func(kitx.None) (string, url.Values, any) { return "/v1/x", nil, nil })
	if _, err := get(t.Context(), kitx.None{}); err != nil {
		t.Error(err)
	}
}

func TestAProblemComesBackAsTheFaultItWas(t *testing.T) {
	for _, k := range fault.Kinds() {
		_, err := client(func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, fault.New(k, "some_code", "A sentence."))
		})(t.Context(), ask{})
		public := fault.Public(err)
		wantCode, wantDetail := "some_code", "A sentence."
		if k == fault.Internal {
			wantCode, wantDetail = "internal", ""
		}
		if public.Kind != k || public.Code != wantCode || public.Detail != wantDetail {
			t.Errorf("%v: %+v", k, public)
		}
	}
}

// S09: an answer that makes no sense is an outage of the other service.
func TestS09_AnswersThatMakeNoSense(t *testing.T) {
	cases := map[string]http.HandlerFunc{
		"HTML":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>10.0.0.3</html>") },
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"half":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"text":"ye`) },
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"te`)
			panic(http.ErrAbortHandler)
		},
		"a panic":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"HTML error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "10.0.0.3", http.StatusNotFound) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "http://evil.example/elsewhere", http.StatusTemporaryRedirect)
		},
		"without end": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"text":"`)
			for chunk := strings.Repeat("a", 1<<20); ; {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		},
	}
	for name, h := range cases {
		got, err := client(h)(t.Context(), ask{})
		if fault.KindOf(err) != fault.Unavailable || got != (told{}) {
			t.Errorf("%s: %+v, %v (%v)", name, got, err, fault.KindOf(err))
		}
		if err != nil && strings.Contains(problem.From(err).Detail, "10.0.0.3") {
			t.Errorf("%s shows %v", name, problem.From(err))
		}
	}
}

func TestClientClassifiesHowACallEnded(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	half := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{"te`); <-r.Context().Done() }
	for name, h := range map[string]http.HandlerFunc{"before the answer": hang, "within it": half} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := client(h, kitx.Deadline(time.Second))(t.Context(), ask{})
			if fault.KindOf(err) != fault.Timeout || time.Since(start) != time.Second {
				t.Errorf("deadline %s: %v after %v", name, err, time.Since(start))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, err := client(h)(ctx, ask{}); fault.KindOf(err) != fault.Canceled {
				t.Errorf("cancelled %s: %v", name, err)
			}
		})
	}
}

// failing is an endpoint that fails with each error in turn, then answers.
func failing(calls *int, errs ...error) endpoint.Endpoint {
	return func(context.Context, any) (any, error) {
		*calls++
		if *calls <= len(errs) {
			return nil, errs[*calls-1]
		}
		return "answer", nil
	}
}

func TestRetry(t *testing.T) {
	down := fault.New(fault.Unavailable, "down", "Down.")
	missing := fault.New(fault.NotFound, "missing", "Missing.")
	cases := map[string]struct {
		errs  []error
		calls int
		want  error
	}{
		"at once":            {nil, 1, nil},
		"the second time":    {[]error{down}, 2, nil},
		"the last time":      {[]error{down, down}, 3, nil},
		"never":              {[]error{down, down, down}, 3, down},
		"not worth it":       {[]error{missing}, 1, missing},
		"not worth it later": {[]error{down, missing}, 2, missing},
		"a defect":           {[]error{io.EOF}, 1, io.EOF},
	}
	for name, c := range cases {
		synctest.Test(t, func(t *testing.T) {
			var calls int
			start := time.Now()
			response, err := kitx.Retry(3, 100*time.Millisecond)(failing(&calls, c.errs...))(t.Context(), nil)
			if calls != c.calls || !errors.Is(err, c.want) || (err == nil) != (response == "answer") {
				t.Errorf("%s: %d calls, %v, %v", name, calls, response, err)
			}
			var least, most time.Duration
			for wait := 100 * time.Millisecond; calls > 1; calls, wait = calls-1, 2*wait {
				least, most = least+wait/2, most+wait*3/2
			}
			if waited := time.Since(start); waited < least || waited > most {
				t.Errorf("%s: waited %v, not %v to %v", name, waited, least, most)
			}
		})
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	down := fault.New(fault.Unavailable, "down", "Down.")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var calls int
		start := time.Now()
		_, err := kitx.Retry(3, time.Hour)(failing(&calls, down, down))(ctx, nil)
		if !errors.Is(err, down) || calls != 1 || time.Since(start) != time.Second {
			t.Errorf("%d calls, %v after %v", calls, err, time.Since(start))
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var calls int
	if _, err := kitx.Retry(3, time.Hour)(failing(&calls, down))(ctx, nil); !errors.Is(err, down) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var next error
		calls := 0
		e := kitx.Breaker("catalog")(func(context.Context, any) (any, error) { calls++; return "answer", next })
		fail := func(err error, times int) {
			next = err
			for range times {
				_, _ = e(t.Context(), nil)
			}
		}
		expect := func(when string, called bool, kind fault.Kind, code string) {
			t.Helper()
			before := calls
			_, err := e(t.Context(), nil)
			if (calls > before) != called || (code == "") != (err == nil) {
				t.Errorf("%s: called %v, %v", when, calls > before, err)
			}
			if public := fault.Public(err); err != nil && (public.Kind != kind || public.Code != code) {
				t.Errorf("%s: %+v", when, public)
			}
		}
		down := fault.New(fault.Unavailable, "down", "Down.")
		fail(down, 9)
		fail(nil, 1)
		fail(down, 9)
		fail(context.Canceled, 20)
		expect("nine failures, and callers that left", true, fault.Canceled, "canceled")
		fail(fault.New(fault.NotFound, "missing", ""), 20)
		fail(down, 9)
		expect("answers that are no outage count as answers", true, fault.Unavailable, "down")
		expect("ten failures in a row", false, fault.Unavailable, "service_unavailable")
		time.Sleep(5 * time.Second)
		expect("five seconds", false, fault.Unavailable, "service_unavailable")
		time.Sleep(time.Millisecond)
		expect("more than five seconds, still down", true, fault.Unavailable, "down")
		expect("after the one try", false, fault.Unavailable, "service_unavailable")
		time.Sleep(5*time.Second + time.Millisecond)
		next = nil
		expect("back", true, 0, "")
		fail(down, 9)
		next = nil
		expect("closed again", true, 0, "")
	})
}

func TestAnOpenBreakerSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		e := kitx.Breaker("catalog")(failing(&calls, io.EOF, io.EOF, io.EOF, io.EOF, io.EOF, io.EOF, io.EOF, io.EOF, io.EOF, context.DeadlineExceeded))
		for range 10 {
			_, _ = e(t.Context(), nil)
		}
		_, err := e(t.Context(), nil)
		if public := fault.Public(err); calls != 10 || public.Retry != 5*time.Second {
			t.Errorf("%d calls, %+v", calls, public)
		}
	})
}

func TestClientPutsTheFirstMiddlewareOutermost(t *testing.T) {
	var order string
	_, err := client(func(w http.ResponseWriter, _ *http.Request) {
		order += "h"
		_, _ = io.WriteString(w, "{}")
	}, mark(&order, "a"), mark(&order, "b"))(t.Context(), ask{})
	if order != "abh" || err != nil {
		t.Errorf("order %q, %v", order, err)
	}
}
