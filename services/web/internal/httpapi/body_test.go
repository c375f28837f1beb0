package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A client library that goes on reading after the answer must not take the next
// request's bytes, nor move the deadlines of its connection.
func TestIncomingIsNotReadAfterItsEnd(t *testing.T) {
	reads := 0
	body := &incoming{from: strings.NewReader("abcdef"), progress: func() { reads++ }}
	if _, err := io.ReadFull(body, make([]byte, 3)); err != nil || body.finish() != nil {
		t.Fatalf("in the middle: %v", err)
	}
	if n, err := body.Read(make([]byte, 3)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) || reads != 1 {
		t.Fatalf("after the end: %d bytes, %v, %d reads", n, err, reads)
	}
}

// slow is a reader that says when it is asked, and answers when it is told to.
type slow struct{ asked, answer chan struct{} }

func (r slow) Read(p []byte) (int, error) {
	close(r.asked)
	<-r.answer
	return len(p), nil
}

// A read that is under way when the answer comes gives nothing away either.
func TestIncomingDropsAReadUnderWay(t *testing.T) {
	from := slow{make(chan struct{}), make(chan struct{})}
	body := &incoming{from: from, progress: func() { t.Error("progress after the end") }}
	got := make(chan error, 1)
	go func() {
		n, err := body.Read(make([]byte, 3))
		if n != 0 {
			t.Errorf("%d bytes after the end", n)
		}
		got <- err
	}()
	<-from.asked
	if err := body.finish(); err != nil {
		t.Errorf("the body ended with %v", err)
	}
	close(from.answer)
	if err := <-got; !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Fatalf("error %v", err)
	}
}

func TestIncomingRemembersHowItEnded(t *testing.T) {
	body := &incoming{from: strings.NewReader("a"), progress: func() {}}
	if _, err := io.ReadAll(body); err != nil || !errors.Is(body.finish(), io.EOF) {
		t.Fatalf("whole: %v, %v", err, body.finish())
	}
}
