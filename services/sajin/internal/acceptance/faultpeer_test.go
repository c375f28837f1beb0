package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// halfOpenIdle has a gallery wait for a body's next byte this long.
const halfOpenIdle = "SAJIN_UPLOAD_IDLE_BODY=5s"

// silentChunk: a client vanishes in the middle of a chunk without a word, and
// comes again on another connection. It gets its session at once, whatever is
// still waited for on the first one, and goes on from where it was.
func silentChunk(t *testing.T) {
	d := startAllInOneWith(t)
	v := faulty(t, d)
	const chunk = 256 << 10
	data := append(v.fresh(t), make([]byte, 2*chunk)...)
	id, session := v.session(t, data)
	w := v.dial(t)
	w.send(fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Range: bytes 0-%d/%d\r\nContent-Length: %d\r\n\r\n",
		session, v.host(), chunk-1, len(data), chunk))
	w.asked() // it has the session from here on, whoever else comes
	w.send(string(data[:chunk/2]))
	// At once, but where the machine lets the silent one's first bytes be read late.
	var resp response
	eventually(t, sessionIsGiven, "the session is given to who speaks", func() bool {
		resp = v.chunk(t, session, data, 0, chunk)
		return resp.status != http.StatusLocked
	})
	if resp.status != http.StatusPermanentRedirect {
		t.Fatalf("beside the silent one, its chunk was answered with %d %s", resp.status, resp.body)
	}
	wantProblem(t, "the silent one", w.reply(http.MethodPut), http.StatusLocked, "upload_locked")
	w.closed()
	if resp := v.chunk(t, session, data, chunk, len(data)); resp.status != http.StatusCreated {
		t.Fatalf("the rest was answered with %d %s", resp.status, resp.body)
	}
	v.acknowledged[id] = file{data: data}.sha256()
	v.sound(t, d)
}

// sessionIsGiven is how soon that is: far below the time that a gallery waits for
// a body's next byte.
const sessionIsGiven = 20 * time.Second

// silentForm: a client vanishes within the second file of a form. The first is
// recognised when the form comes again.
func silentForm(t *testing.T) {
	for name, start := range map[string]func(*testing.T) deployment{
		"AllInOne": func(t *testing.T) deployment { t.Helper(); return startAllInOneWith(t, halfOpenIdle) },
		"Split": func(t *testing.T) deployment {
			t.Helper()
			return startStack(t, stack.Options{Upload: []string{halfOpenIdle}, Web: []string{halfOpenIdle}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t)
			v := faulty(t, d)
			first, second := upload("a.jpg", v.fresh(t)), upload("b.jpg", v.fresh(t))
			whole := formOf(first, second)
			w := v.dial(t)
			w.send(v.posting(typeLine, lengthLine(len(whole))))
			w.send(string(whole[:len(whole)-len(second.body)/2]))
			wantProblem(t, "the silent one", w.reply(http.MethodPost), http.StatusRequestTimeout, "body_timeout")
			w.closed()
			eventually(t, readyWithin, "the first file, which was whole, is there", func() bool { return len(v.mustList(t, "")) == 1 })
			status, said, _ := v.send(t, first, second)
			if status != http.StatusCreated {
				t.Errorf("the form as a whole was answered with %d %v", status, said)
			}
			v.sound(t, d)
		})
	}
}

// session plans a file, and gives the id that it will have and where it is sent.
func (v *victim) session(t *testing.T, data []byte) (id, address string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"files": []map[string]any{{"name": "a.jpg", "size": len(data)}}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/uploads", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Files []struct {
			ID      string `json:"id"`
			Session string `json:"session_url"`
		} `json:"files"`
	}
	decode(t, resp, &plan)
	return plan.Files[0].ID, plan.Files[0].Session
}

// asked reads "100 Continue": the body is wanted.
func (w *wire) asked() {
	w.t.Helper()
	const want = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(w.answer, got); err != nil || string(got) != want {
		w.t.Fatalf("%q, %v; want that the body is asked for", got, err)
	}
}

// chunk sends a part of a file through its session.
func (v *victim) chunk(t *testing.T, session string, data []byte, from, to int) response {
	t.Helper()
	resp, err := v.do(t.Context(), http.MethodPut, session, "", io.Reader(bytes.NewReader(data[from:to])),
		"Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
