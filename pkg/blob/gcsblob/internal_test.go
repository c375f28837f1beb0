package gcsblob

import "testing"

func TestChunkHoldsSmallObjectsWholly(t *testing.T) {
	s := &Store{chunk: defaultChunkBytes}
	for size, want := range map[int64]int{
		0:                     defaultChunkBytes, // not known
		1:                     chunkStep,
		chunkStep - 1:         chunkStep,
		chunkStep:             2 * chunkStep, // its end is seen in the same chunk
		defaultChunkBytes - 1: defaultChunkBytes,
		defaultChunkBytes:     defaultChunkBytes,
		1 << 40:               defaultChunkBytes,
	} {
		if got := s.chunkSize(size); got != want {
			t.Errorf("chunkSize(%d) = %d, want %d", size, got, want)
		}
	}
}

func TestExpressible(t *testing.T) {
	for after, want := range map[string]string{
		"": "", "a/b": "a/b", "한글": "한글", "a\xffb": "a", "\xff": "", "a\x00": "a", "한\xed\x95": "한",
	} {
		if got := expressible(after); got != want || got > after {
			t.Errorf("expressible(%q) = %q, want %q", after, got, want)
		}
	}
}
