package catalog

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/go-jose/go-jose/v4"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub/pubsubtest"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens/googletest"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
	"github.com/sajin-gallery/sajin/services/catalog/catalogclient"
)

const (
	ownAddress  = "https://catalog.example" // the audience of push tokens and of web's
	pushAccount = "push@sajin.iam.gserviceaccount.com"
	webAccount  = "web@sajin.iam.gserviceaccount.com"
	pushProject = "sajin-test"
)

// deployed is a catalog as it is in the cloud: Google vouches for callers, and
// its events are pushed.
func deployed(t *testing.T, pubsubAddr string) (*Service, *googletest.Google) {
	t.Helper()
	bus, err := gcppubsub.Open(t.Context(), gcppubsub.Options{Project: pushProject, Emulator: pubsubAddr, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	google := googletest.New()
	verifier, err := googletokens.NewVerifier(ownAddress, google)
	if err != nil {
		t.Fatal(err)
	}
	guard := &serviceauth.Guard{Verifier: verifier, Callers: serviceauth.Callers{webAccount: serviceauth.RoleWeb}, Audience: ownAddress}
	return behind(t, guard, func(s event.Subscription, h event.Handler) (http.Handler, error) {
		return bus.PushHandler(s, h, serviceauth.Of(verifier, pushAccount))
	}), google
}

func fakePubSub(t *testing.T) string {
	t.Helper()
	server, err := pubsubtest.LaunchFake(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server.Addr
}

// uploaded is the event that an image of that name was uploaded.
func uploaded(t *testing.T, id, name string) []byte {
	t.Helper()
	at := identity.ImageTime(id)
	e, err := contract.New(id+".uploaded", contract.SourceUpload, contract.TypeImageUploaded, id, at, contract.ImageUploaded{Manifest: contract.Manifest{
		Version: 1, ID: id, Owner: string(owner), Name: name, Key: contract.OriginalKey(id, at, ".jpg"), Size: 1,
		ContentType: "image/jpeg", SHA256: strings.Repeat("ab", 32), Width: 4, Height: 3, CreatedAt: at, Renditions: []contract.Rendition{},
	}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// envelope is what Pub/Sub wraps an event in.
func envelope(t *testing.T, messageID string, data []byte) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"message":      map[string]any{"messageId": messageID, "data": data},
		"subscription": "projects/" + pushProject + "/subscriptions/" + Subscription,
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// push delivers a body with an Authorization header.
func push(s *Service, authorization string, body io.Reader) *http.Response {
	r := httptest.NewRequest(http.MethodPost, pathEvents, body)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func bearer(t *testing.T, account, audience string) string {
	t.Helper()
	return "Bearer " + googletest.Token(t, googletest.Claims(account, audience))
}

func listed(t *testing.T, s *Service) []catalogapi.Image {
	t.Helper()
	page, err := s.core.List(bounded(t), catalogapi.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Images
}

// unread fails the test when the body is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read before the token was verified")
	return 0, io.EOF
}

// S01: a push counts only with a token of Google's, for this service, of the
// account that pushes. Nothing of the body of any other is read.
func TestS01_PushTokens(t *testing.T) {
	s, google := deployed(t, fakePubSub(t))
	claims := func(name string, value any) string {
		out := googletest.Claims(pushAccount, ownAddress)
		if out[name] = value; value == nil {
			delete(out, name)
		}
		return "Bearer " + googletest.Token(t, out)
	}
	recorder := telemetrytest.Record(t)
	good := claims("sub", "1")
	parts := strings.Split(good, ".")
	for name, authorization := range map[string]string{
		"no token":                "",
		"nonsense":                "Bearer x",
		"another scheme":          "Basic " + good[7:],
		"expired":                 claims("exp", time.Now().Add(-time.Hour).Unix()),
		"not yet good":            claims("nbf", time.Now().Add(time.Hour).Unix()),
		"another audience":        claims("aud", "https://upload.example"),
		"no audience":             claims("aud", nil),
		"another account":         claims("email", "evil@sajin.iam.gserviceaccount.com"),
		"the account of web":      bearer(t, webAccount, ownAddress),
		"an address not verified": claims("email_verified", false),
		"another issuer":          claims("iss", "https://evil.example"),
		"alg none":                "Bearer eyJhbGciOiJub25lIiwia2lkIjoiazEifQ." + parts[1] + ".",
		"the public key's secret": "Bearer " + googletest.Sign(t, jose.HS256, googletest.Keys()[0].N.Bytes(), "k1", googletest.Claims(pushAccount, ownAddress)),
		"an unknown key":          "Bearer " + googletest.Sign(t, jose.RS256, googletest.Keys()[1], "k9", googletest.Claims(pushAccount, ownAddress)),
		"no signature":            parts[0] + "." + parts[1] + ".",
		"very long":               "Bearer " + strings.Repeat("a", serviceauth.MaxTokenBytes+1),
	} {
		resp := push(s, authorization, unread{t})
		if err := problem.Read(resp); resp.StatusCode != http.StatusUnauthorized || fault.Public(err).Code != "push_token_invalid" {
			t.Errorf("%s: %d, %v", name, resp.StatusCode, err)
		}
	}
	r := httptest.NewRequest(http.MethodPost, pathEvents+"?token="+good[7:]+"&access_token="+good[7:], unread{t})
	r.Header.Set("X-Serverless-Authorization", good)
	w := httptest.NewRecorder()
	if s.Handler().ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("a token elsewhere: %d", w.Code)
	}
	if asked := google.Asked(); asked != 1 {
		t.Errorf("Google's keys were fetched %d times, want once", asked)
	}
	want := map[string]int64{"service_token_missing": 3, "service_token_invalid": 10, "service_forbidden": 2, "service_caller_wrong": 2}
	if got := refused(t, recorder); !maps.Equal(got, want) {
		t.Errorf("counted were %v, want %v", got, want)
	}
	if resp := push(s, good, bytes.NewReader(envelope(t, "1", uploaded(t, identity.NewImageID(time.Now()), "a.jpg")))); resp.StatusCode != http.StatusNoContent || len(listed(t, s)) != 1 {
		t.Errorf("a good one: %d, %d images", resp.StatusCode, len(listed(t, s)))
	}
}

// refused counts the pushes that were refused, by reason.
func refused(t *testing.T, recorder *telemetrytest.Recorder) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, m := range recorder.Measurements(t) {
		if m.Name == "sajin.events.refused" && m.Attributes["messaging.destination.subscription.name"] == Subscription {
			out[m.Attributes["reason"]] += m.Count
		}
	}
	return out
}

// S01: while Google's keys cannot be had, Pub/Sub is to come again.
func TestS01_PushWithoutGooglesKeys(t *testing.T) {
	s, google := deployed(t, fakePubSub(t))
	recorder := telemetrytest.Record(t)
	google.Set(func(g *googletest.Google) { g.Err = errors.New("connection refused") })
	resp := push(s, bearer(t, pushAccount, ownAddress), unread{t})
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if got := refused(t, recorder); got["unavailable"] != 1 {
		t.Errorf("counted were %v", got)
	}
}

// S06: who pushes may only push, and web may not.
func TestS06_EveryCallerHasItsOwnRoutes(t *testing.T) {
	s, _ := deployed(t, fakePubSub(t))
	for _, route := range s.Routes() {
		method, path, _ := strings.Cut(route, " ")
		open := strings.HasPrefix(path, "/healthz/")
		for name, tt := range map[string]struct {
			authorization string
			want          int // unless the route is open, or its own
		}{
			"nobody":            {"", http.StatusUnauthorized},
			"who pushes":        {bearer(t, pushAccount, ownAddress), http.StatusForbidden},
			"upload":            {bearer(t, "upload@sajin.iam.gserviceaccount.com", ownAddress), http.StatusForbidden},
			"web, at another's": {bearer(t, webAccount, "https://upload.example"), http.StatusForbidden},
		} {
			want := tt.want
			if path == pathEvents { // has its own answer
				want = http.StatusUnauthorized
				if name == "who pushes" {
					want = http.StatusNoContent
				}
			}
			r := httptest.NewRequest(method, strings.ReplaceAll(path, "{id}", identity.NewImageID(time.Now())), bytes.NewReader(envelope(t, "1", uploaded(t, identity.NewImageID(time.Now()), "a.jpg"))))
			r.Header.Set("Authorization", tt.authorization)
			r.Header.Set(identity.OwnerHeader, string(owner))
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != want && !open {
				t.Errorf("%s by %s: %d, want %d", route, name, w.Code, want)
			}
			if open && (w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden) {
				t.Errorf("%s by %s: %d", route, name, w.Code)
			}
		}
	}
}

// S02: one push, however often it comes, under whatever message id, is one
// image; a changed body under the same ids has no effect.
func TestS02_PushesAreReplayed(t *testing.T) {
	s, google := deployed(t, fakePubSub(t))
	id := identity.NewImageID(time.Now())
	token, data := bearer(t, pushAccount, ownAddress), uploaded(t, id, "a.jpg")
	deliver := func(messageID string, data []byte) {
		t.Helper()
		if resp := push(s, token, bytes.NewReader(envelope(t, messageID, data))); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("message %s: %d", messageID, resp.StatusCode)
		}
	}
	deliver("0", data)
	before, err := s.core.Changes(bounded(t), catalogapi.ChangesRequest{}) // where the feed is now
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		deliver(fmt.Sprint(i/2), data) // each message id twice
	}
	deliver("0", bytes.Replace(data, []byte(owner), []byte("mallory1"), 1))
	after, err := s.core.Changes(bounded(t), catalogapi.ChangesRequest{Cursor: before.Cursor})
	if err != nil || len(after.Changes) != 0 {
		t.Errorf("the replays are %d changes, %v", len(after.Changes), err)
	}
	if images := listed(t, s); len(images) != 1 || images[0].Name != "a.jpg" {
		t.Errorf("listed are %+v", images)
	}
	if asked := google.Asked(); asked != 1 {
		t.Errorf("Google's keys were fetched %d times, want once", asked)
	}
}

// Pub/Sub itself pushes: what is published arrives, and what was refused at
// first comes again. The emulator sends no tokens, so they are added on the way.
func TestTheEmulatorPushes(t *testing.T) {
	addr := pubsubtest.Start(t)
	s, _ := deployed(t, addr)
	token := bearer(t, pushAccount, ownAddress)
	answered := make(chan int, 100)
	first := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !first { // refused without it
			r.Header.Set("Authorization", token)
		}
		first = false
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		answered <- rec.Code
	}))
	defer server.Close()
	t.Setenv("PUBSUB_EMULATOR_HOST", addr)
	client, err := pubsub.NewClient(t.Context(), pushProject)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	topic := "projects/" + pushProject + "/topics/" + string(contract.TopicImages)
	if _, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	_, err = client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: "projects/" + pushProject + "/subscriptions/" + Subscription, Topic: topic, AckDeadlineSeconds: 30,
		PushConfig: &pubsubpb.PushConfig{PushEndpoint: server.URL + pathEvents},
	})
	if err != nil {
		t.Fatal(err)
	}
	publisher := client.Publisher(topic)
	defer publisher.Stop()
	id := identity.NewImageID(time.Now())
	if _, err := publisher.Publish(t.Context(), &pubsub.Message{Data: uploaded(t, id, "a.jpg")}).Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	var codes []int
	for ctx := bounded(t); len(codes) == 0 || codes[len(codes)-1] != http.StatusNoContent; {
		select {
		case code := <-answered:
			codes = append(codes, code)
		case <-ctx.Done():
			t.Fatalf("answered so far: %v", codes)
		}
	}
	if codes[0] != http.StatusUnauthorized {
		t.Errorf("answered %v", codes)
	}
	if images := listed(t, s); len(images) != 1 || images[0].ID != id {
		t.Errorf("listed are %+v", images)
	}
}

// Web calls the catalog as in the cloud: with a token from the machine's
// metadata server, and an owner signed for this service.
func TestGoogleVouchesForWeb(t *testing.T) {
	s, _ := deployed(t, fakePubSub(t))
	keys, err := keyring.Parse("k:" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	s.deps.Guard.Actors = keys
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		_, _ = io.WriteString(w, googletest.Token(t, googletest.Claims(webAccount, r.FormValue("audience"))))
	}))
	defer metadata.Close()
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(metadata.URL, "http://"))
	if resp := push(s, bearer(t, pushAccount, ownAddress), bytes.NewReader(envelope(t, "1", uploaded(t, identity.NewImageID(time.Now()), "a.jpg")))); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("the push: %d", resp.StatusCode)
	}
	for audience, want := range map[string]int{ownAddress: 1, "https://upload.example": 0} {
		tokens, err := googletokens.NewSource(audience)
		if err != nil {
			t.Fatal(err)
		}
		c := catalogclient.New(kitx.Target{
			Base: &url.URL{Scheme: "http", Host: "catalog.invalid"},
			HTTP: &serviceauth.Client{HTTP: kitx.NoRedirects(httpx.InProcess{Handler: s.Handler()}), Tokens: tokens, Actors: keys, Audience: ownAddress},
		})
		page, err := c.List(bounded(t), catalogapi.ListRequest{})
		if (err == nil) != (want > 0) || len(page.Images) != want {
			t.Errorf("with a token for %s: %d images, %v", audience, len(page.Images), err)
		}
	}
}
