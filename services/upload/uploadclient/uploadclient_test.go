package uploadclient_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/upload/uploadclient"
)

// hangingUp is a transport whose request is cancelled while it reads the body,
// and that then does not wait for what it was reading.
type hangingUp struct{ left chan struct{} }

func (h hangingUp) Do(r *http.Request) (*http.Response, error) {
	go func() { _, _ = io.Copy(io.Discard, r.Body) }()
	<-r.Context().Done()
	defer close(h.left)
	return nil, r.Context().Err()
}

type reader func() error

func (r reader) Read([]byte) (int, error) { return 0, r() }

// A server learns from the connection's end that the client has gone a moment
// before it learns from the body that this is not whole. The client, which may
// still listen, is told of the body.
func TestACutBodyIsToldToWhoStillListens(t *testing.T) {
	upload := func(t *testing.T, body func(cancel func(), left chan struct{}) error) (time.Duration, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		transport := hangingUp{left: make(chan struct{})}
		client := uploadclient.New(kitx.Target{Base: &url.URL{Scheme: "http", Host: "upload"}, HTTP: transport})
		start := time.Now()
		_, err := client.Upload(ctx, "multipart/form-data", -1, reader(func() error { return body(cancel, transport.left) }))
		return time.Since(start), err
	}
	synctest.Test(t, func(t *testing.T) {
		_, err := upload(t, func(cancel func(), left chan struct{}) error {
			cancel()
			<-left
			return io.ErrUnexpectedEOF
		})
		if code := fault.Public(err).Code; code != "body_incomplete" {
			t.Errorf("%q: %v", code, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a body that says nothing is not waited for longer
		silent := make(chan struct{})
		took, err := upload(t, func(cancel func(), _ chan struct{}) error {
			cancel()
			<-silent
			return io.EOF
		})
		if fault.KindOf(err) != fault.Canceled || took != time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		close(silent)
	})
}
