package webclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what goes wrong on purpose
	goleak.VerifyTestMain(m)
}

const size = 20 << 20

func content() []byte {
	out := make([]byte, size)
	noise := rand.NewChaCha8([32]byte{1})
	_, _ = noise.Read(out)
	return out
}

func opened(data []byte) webclient.Content {
	return func(offset int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data[offset:])), nil }
}

// client calls a handler without a network; the clock of the test bubble makes
// its pauses short.
func client(t *testing.T, h http.Handler) *webclient.Client {
	t.Helper()
	base, err := url.Parse("http://gallery.test")
	if err != nil {
		t.Fatal(err)
	}
	return webclient.New(base, webclient.Options{Token: "secret", Transport: httpx.InProcess{Handler: h}})
}

const stored = `{"name":"a.jpg","status":"stored","id":"01KAJ8Q4Y2M3N5P7R9T1V3X5Z7"}`

var session = webclient.Session{ID: "01KAJ8Q4Y2M3N5P7R9T1V3X5Z7", URL: "/api/v1/uploads/S", Size: size, Fresh: true}

func TestSendInChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, data := &storage{t: t, last: stored}, content()
		var told []int64
		got, err := client(t, s).Send(t.Context(), session, opened(data), func(n int64) { told = append(told, n) })
		if err != nil || got.Status != uploadapi.StatusStored || !bytes.Equal(s.data, data) {
			t.Fatalf("%+v, %v; %d bytes arrived", got, err, len(s.data))
		}
		if s.requests != 3 || told[len(told)-1] != size {
			t.Errorf("%d requests; progress ended at %d", s.requests, told[len(told)-1])
		}
	})
}

// Whatever fails for a while, the bytes arrive once and in order.
func TestSendSurvives(t *testing.T) {
	unavailable := func(w http.ResponseWriter, r *http.Request) bool {
		problem.Write(w, r, fault.New(fault.Unavailable, "away", "Away."))
		return true
	}
	abort := func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	for name, before := range map[string]func(s *storage, n int, w http.ResponseWriter, r *http.Request) bool{
		"a refusal for now": func(_ *storage, n int, w http.ResponseWriter, r *http.Request) bool {
			return n == 2 && unavailable(w, r)
		},
		"many, with progress": func(_ *storage, n int, w http.ResponseWriter, r *http.Request) bool {
			return n%4 != 3 && n%4 != 0 && unavailable(w, r)
		},
		"a lost connection":        func(_ *storage, n int, w http.ResponseWriter, r *http.Request) bool { return n == 2 && abort(w, r) },
		"a gateway without words":  func(_ *storage, n int, w http.ResponseWriter, _ *http.Request) bool { return n == 1 && status(w, 502) },
		"a locked session":         func(_ *storage, n int, w http.ResponseWriter, r *http.Request) bool { return n == 2 && locked(w, r) },
		"a lost answer":            func(s *storage, n int, _ http.ResponseWriter, r *http.Request) bool { return n == 2 && s.lose(r) },
		"a lost answer to the end": func(s *storage, n int, _ http.ResponseWriter, r *http.Request) bool { return n == 3 && s.lose(r) },
		"a chunk kept in part": func(s *storage, n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 2 {
				s.take(w, r, 3<<20)
			}
			return n == 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, data := &storage{t: t, last: stored}, content()
				s.before = func(n int, w http.ResponseWriter, r *http.Request) bool { return before(s, n, w, r) }
				got, err := client(t, s).Send(t.Context(), session, opened(data), nil)
				if err != nil || got.Status != uploadapi.StatusStored || !bytes.Equal(s.data, data) {
					t.Fatalf("%+v, %v; %d bytes arrived", got, err, len(s.data))
				}
				if s.received != size {
					t.Errorf("%d bytes were kept of %d", s.received, size)
				}
			})
		})
	}
}

// Of an earlier run: the server is asked first.
func TestSendGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := content()
		s := &storage{t: t, last: stored, data: bytes.Clone(data[:9<<20])}
		old := session
		old.Fresh = false
		if _, err := client(t, s).Send(t.Context(), old, opened(data), nil); err != nil || !bytes.Equal(s.data, data) || s.received != 11<<20 {
			t.Fatalf("%v; %d bytes were sent", err, s.received)
		}
	})
}

func TestSendHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storage{t: t, last: stored, before: func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				problem.Write(w, r, fault.New(fault.RateLimited, "slow_down", "Slowly.").RetryAfter(40*time.Second))
			}
			return n == 1
		}}
		began := time.Now()
		if _, err := client(t, s).Send(t.Context(), session, opened(content()), nil); err != nil || time.Since(began) < 40*time.Second {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
}

func TestSendGivesUp(t *testing.T) {
	for name, tt := range map[string]struct {
		before   func(w http.ResponseWriter, r *http.Request)
		code     string
		requests int
	}{
		"no image": {func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, fault.New(fault.Unsupported, "unsupported_media_type", "No image."))
		}, "unsupported_media_type", 1},
		"an unknown session": {func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, fault.New(fault.NotFound, "not_found", "None."))
		}, "upload_expired", 1},
		"a store's session that is gone": {func(w http.ResponseWriter, _ *http.Request) { status(w, 410) }, "upload_expired", 1},
		"a store that refuses":           {func(w http.ResponseWriter, _ *http.Request) { status(w, 403) }, "storage_refused", 1},
		"always away": {func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, fault.New(fault.Unavailable, "away", "Away."))
		}, "away", 8},
		"never any progress": {func(w http.ResponseWriter, _ *http.Request) { status(w, 308) }, "upload_unfinished", 16},
		"a wait of an hour": {func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, fault.New(fault.RateLimited, "slow_down", "Slowly.").RetryAfter(time.Hour))
		}, "slow_down", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &storage{t: t, before: func(_ int, w http.ResponseWriter, r *http.Request) bool {
					tt.before(w, r)
					return true
				}}
				_, err := client(t, s).Send(t.Context(), session, opened(content()), nil)
				if code := fault.Public(err).Code; code != tt.code || s.requests > tt.requests {
					t.Errorf("%v (%s) after %d requests, want %s after %d", err, code, s.requests, tt.code, tt.requests)
				}
			})
		})
	}
}

// A session of Cloud Storage is on another host: it gets no token, and the
// gallery is asked what became of the file.
func TestSendToAForeignStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, data := &storage{t: t, last: `{"kind":"storage#object","size":"20971520"}`}, content()
		asked := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "storage.test" {
				if r.Header.Get("Authorization") != "" {
					t.Error("the store was sent the gallery's token")
				}
				s.ServeHTTP(w, r)
				return
			}
			asked++
			if r.URL.Path != "/api/v1/uploads/"+session.ID+"/complete" || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer secret" {
				t.Errorf("the gallery was sent %s %s with %q", r.Method, r.URL, r.Header.Get("Authorization"))
			}
			if asked == 1 {
				problem.Write(w, r, fault.New(fault.Unavailable, "away", "Away."))
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, stored)
		})
		foreign := session
		foreign.URL = "https://storage.test/upload?upload_id=x"
		got, err := client(t, h).Send(t.Context(), foreign, opened(data), nil)
		if err != nil || got.Status != uploadapi.StatusStored || !bytes.Equal(s.data, data) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestSendOfAFileThatFails(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, tt := range map[string]struct {
		content webclient.Content
		want    error
	}{
		"shorter":  {opened(content()[:9<<20]), fault.New(fault.Conflict, "file_changed", "")},
		"unopened": {func(int64) (io.ReadCloser, error) { return nil, broken }, broken},
		"unread": {func(int64) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("x"), failing{broken})), nil
		}, broken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n, _ := io.Copy(io.Discard, r.Body)
					w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", n-1))
					w.WriteHeader(308)
				})
				began := time.Now()
				if _, err := client(t, h).Send(t.Context(), session, opened2(tt.content), nil); !errors.Is(err, tt.want) || time.Since(began) > 0 {
					t.Errorf("%v after %v, want %v", err, time.Since(began), tt.want)
				}
			})
		})
	}
}

// opened2 lets an offset beyond the end be the end.
func opened2(c webclient.Content) webclient.Content {
	return func(offset int64) (io.ReadCloser, error) { return c(min(offset, 9<<20)) }
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestSendEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		if _, err := client(t, h).Send(ctx, session, opened(content()), nil); fault.KindOf(err) != fault.Canceled {
			t.Errorf("%v", err)
		}
	})
}

// A server that takes the bytes and never answers is given up, each time after
// two and a half minutes.
func TestSendWaitsOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		if _, err := client(t, h).Send(t.Context(), session, opened(content()), nil); fault.KindOf(err) != fault.Timeout {
			t.Errorf("%v", err)
		}
	})
}
