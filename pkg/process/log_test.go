package process_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/process"
)

// Cloud Logging reads severity and message, and knows WARNING and not WARN.
func TestLogsForCloudLogging(t *testing.T) {
	keepLog(t)
	var out bytes.Buffer
	process.SetLog(&config.Common{LogLevel: "warn", LogFormat: "json"}, &out)
	slog.Info("too little")
	slog.Warn("careful", slog.Group("request", "level", "deep", "msg", "inner"))
	slog.Error("broken")
	var lines []map[string]any
	for text := range strings.Lines(out.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), &out)
	}
	for i, want := range []struct{ severity, message string }{{"WARNING", "careful"}, {"ERROR", "broken"}} {
		if lines[i]["severity"] != want.severity || lines[i]["message"] != want.message || lines[i]["level"] != nil || lines[i]["msg"] != nil {
			t.Errorf("%v, want %+v", lines[i], want)
		}
	}
	if group, ok := lines[0]["request"].(map[string]any); !ok || group["level"] != "deep" || group["msg"] != "inner" {
		t.Errorf("a group's own attributes were renamed: %v", lines[0])
	}
}

func TestLogsForPeople(t *testing.T) {
	keepLog(t)
	var out bytes.Buffer
	process.SetLog(&config.Common{LogLevel: "debug", LogFormat: "text"}, &out)
	slog.Debug("small", "n", 1)
	if !strings.HasSuffix(out.String(), "level=DEBUG msg=small n=1\n") {
		t.Errorf("%q", &out)
	}
}
