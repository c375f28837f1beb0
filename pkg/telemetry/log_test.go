package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

func TestLinesNameTheirTrace(t *testing.T) {
	ctx := telemetry.Follow(t.Context(), parent)
	for _, tt := range []struct{ project, want string }{
		{"photos", "projects/photos/traces/4bf92f3577b34da6a3ce929d0e0e4736"},
		{"", "4bf92f3577b34da6a3ce929d0e0e4736"},
	} {
		var out bytes.Buffer
		log := slog.New(telemetry.NewLog(&out, telemetry.LogOptions{Level: slog.LevelInfo, JSON: true, Project: tt.project})).With("service", "web")
		log.DebugContext(ctx, "too little")
		log.WarnContext(ctx, "careful")
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatalf("%q: %v", &out, err)
		}
		if line["severity"] != "WARNING" || line["message"] != "careful" || line["service"] != "web" ||
			line["logging.googleapis.com/trace"] != tt.want || line["logging.googleapis.com/spanId"] != "00f067aa0ba902b7" ||
			line["logging.googleapis.com/trace_sampled"] != true {
			t.Errorf("%v", line)
		}
	}
	var out bytes.Buffer
	log := slog.New(telemetry.NewLog(&out, telemetry.LogOptions{Level: slog.LevelInfo}))
	log.InfoContext(ctx, "with")
	log.InfoContext(t.Context(), "without")
	if text := out.String(); strings.Count(text, "trace=4bf92f3577b34da6a3ce929d0e0e4736") != 1 || strings.Count(text, "trace") != 1 {
		t.Errorf("%s", text)
	}
}

// F44: a log that nobody reads holds up nobody for long, keeps what it can, says
// what it could not, and goes on when somebody reads again.
func TestF44_ALogThatNobodyReadsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		log := telemetry.Patient(writer)
		line := strings.Repeat("x", 1023) + "\n"
		start := time.Now()
		for range 2000 { // twice what is kept
			if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("2000 lines into a full pipe took %s, want 100 ms once", took)
		}
		text := make(chan string, 1)
		go func() {
			all, err := io.ReadAll(reader)
			if err != nil {
				t.Error(err)
			}
			text <- string(all)
		}()
		synctest.Wait()
		if _, err := log.Write([]byte("the last\n")); err != nil {
			t.Error(err)
		}
		_ = writer.Close()
		got := <-text
		if kept := strings.Count(got, line); kept != 1024 {
			t.Errorf("%d lines were kept, want a mebibyte of them", kept)
		}
		if !strings.HasSuffix(got, "the last\n") || strings.Count(got, "976 lines of the log were lost here") != 1 {
			t.Errorf("in the end it says %q", got[max(0, len(got)-200):])
		}
	})
}

func TestWhatIsLoggedIsWrittenBeforeTheCallReturns(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.Patient(&out)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		_, _ = log.Write([]byte(line))
		if !strings.HasSuffix(out.String(), line) {
			t.Errorf("after %q: %q", line, &out)
		}
	}
}
