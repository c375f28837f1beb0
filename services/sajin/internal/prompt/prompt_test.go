package prompt

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsPipedIn(t *testing.T) {
	long := strings.Repeat("x", MaxBytes-1)
	for text, want := range map[string]string{
		"secret\n": "secret", "secret": "secret", "secret\r\nmore\n": "secret", " two words \n": " two words ", long + "\n": long,
		"": "", "\n": "", long + "x\n": "", long + long: "",
	} {
		file := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Secret(t.Context(), in, io.Discard, "Password")
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
		_ = in.Close()
	}
}

// Ctrl-C while nothing comes is no wait for ever.
func TestNobodyPipesAnything(t *testing.T) {
	in, silent, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := Secret(ctx, in, io.Discard, "Password"); got != "" || err == nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = silent.Close() // ends the read
}
