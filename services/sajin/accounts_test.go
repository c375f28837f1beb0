package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// ask sends a request to the gallery at $FREE_ADDR with the cookies of $COOKIE,
// and gives the answer and what it says.
func ask(ts *testscript.TestScript, method, path string, form url.Values) (*http.Response, string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+ts.Getenv("FREE_ADDR")+path, strings.NewReader(form.Encode()))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Cookie", ts.Getenv("COOKIE"))
	resp, err := http.DefaultTransport.RoundTrip(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp, string(body)
}

// status asks for a path and wants a status.
func status(ts *testscript.TestScript, _ bool, args []string) {
	if resp, body := ask(ts, http.MethodGet, args[1], nil); strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("%s is answered with %d, want %s: %.300s", args[1], resp.StatusCode, args[0], body)
	}
}

// signIn signs a name in with the password of a file.
func signIn(ts *testscript.TestScript, _ bool, args []string) {
	resp, body := ask(ts, http.MethodPost, "/signin", url.Values{"name": {args[0]}, "password": {strings.TrimSpace(ts.ReadFile(args[1]))}})
	if resp.StatusCode != http.StatusSeeOther {
		ts.Fatalf("the sign-in is answered with %d: %.300s", resp.StatusCode, body)
	}
	var all []string
	for _, c := range resp.Cookies() {
		all = append(all, c.Name+"="+c.Value)
	}
	ts.Setenv("COOKIE", strings.Join(all, "; "))
}

var tokenShown = regexp.MustCompile(`sajin_[A-Z2-7]{26}`)

// makeToken makes a token of who is signed in, which is then in $SAJIN_TOKEN.
func makeToken(ts *testscript.TestScript, _ bool, _ []string) {
	_, body := ask(ts, http.MethodPost, "/account/tokens", url.Values{"name": {"script"}})
	ts.Setenv("SAJIN_TOKEN", tokenShown.FindString(body))
}
