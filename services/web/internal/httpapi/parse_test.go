package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-", "bytes=-1", "bytes=5-1", "bytes=0-0,1-1", "bytes=9223372036854775807-", "bytes=-9223372036854775808", "items=1-2", "bytes=--1", "bytes= 1 - 2"} {
		f.Add(seed, int64(10))
	}
	f.Add("bytes=0-9223372036854775807", int64(1)<<62)
	f.Add("bytes=-1", int64(0))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			t.Skip()
		}
		part, err := parseRange(header, size)
		if err != nil {
			if !errors.Is(err, errNoRange) && !errors.Is(err, errRange) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if part.offset < 0 || part.length < 1 || part.length > size || part.offset > size-part.length {
			t.Fatalf("%q of %d bytes gives %+v", header, size, part)
		}
	})
}

func FuzzLocalURL(f *testing.F) {
	for _, seed := range []string{"/", "/trash?x=1", "//evil", `/\evil`, "/%09/evil", "/\t/evil", "https:evil", "/a#b", "/%2f/evil", "/?//evil", "/a/../..//b", "/사진", "/%zz", "/:80", `/?\`} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "photos.example"}
	f.Fuzz(func(t *testing.T, next string) {
		u := localURL(next)
		if u == nil {
			return
		}
		location := u.String()
		// What a browser does first: drop tabs and line ends, take "\" for "/".
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(location)
		target, err := base.Parse(read)
		if err != nil || target.Host != base.Host || target.Scheme != base.Scheme || read != location || strings.HasPrefix(location, "//") {
			t.Fatalf("%q leads to %q, read as %v (%v)", next, location, target, err)
		}
	})
}

func FuzzParseIDs(f *testing.F) {
	f.Add("01KAJ8Q4Y2M3N5P7R9T1V3X5Z7")
	f.Add("01KAJ8Q4Y2M3N5P7R9T1V3X5Z7,01KAJ8Q4Y2M3N5P7R9T1V3X5Z7,")
	f.Add(strings.Repeat(",", 200))
	f.Fuzz(func(t *testing.T, list string) {
		ids, err := parseIDs(list)
		if err == nil && (len(ids) == 0 || len(ids) > 100 || strings.Join(ids, ",") != list) {
			t.Fatalf("%q gives %q", list, ids)
		}
	})
}

func TestCopyHeldKeepsTheEndUntilItIsSound(t *testing.T) {
	damaged := errors.New("damaged")
	for _, size := range []int{0, 1, mediaChunk - 1, mediaChunk, mediaChunk + 1, 3*mediaChunk + 5} {
		data := bytes.Repeat([]byte("x"), size)
		var whole, cut bytes.Buffer
		if n, err := copyHeld(&whole, iotest.HalfReader(bytes.NewReader(data))); err != nil || n != int64(size) || !bytes.Equal(whole.Bytes(), data) {
			t.Errorf("%d bytes: %d, %v", size, n, err)
		}
		n, err := copyHeld(&cut, io.MultiReader(bytes.NewReader(data), iotest.ErrReader(damaged)))
		if !errors.Is(err, damaged) || n != int64(cut.Len()) || (size > 0 && cut.Len() == size) {
			t.Errorf("%d damaged bytes: %d were sent, %v", size, n, err)
		}
	}
}

func TestCopyHeldStopsWithItsWriter(t *testing.T) {
	gone := errors.New("gone")
	if _, err := copyHeld(failingWriter{gone}, bytes.NewReader(make([]byte, 5*mediaChunk))); !errors.Is(err, gone) {
		t.Fatalf("error %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
