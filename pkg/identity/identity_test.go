package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/identity"
)

func TestImageTime(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 20, 30, 456e6, time.UTC)
	id := identity.NewImageID(at)
	if got := identity.ImageTime(id); !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("ImageTime(%s) = %v, want %v", id, got, at)
	}
	for _, wrong := range []string{"", "../x", strings.ToLower(id), id + "0"} {
		if got := identity.ImageTime(wrong); !got.IsZero() {
			t.Errorf("ImageTime(%q) = %v, want the zero time", wrong, got)
		}
	}
}

func TestFirstImageID(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 20, 30, 456e6, time.UTC)
	first := identity.FirstImageID(at)
	if earlier := identity.NewImageID(at.Add(-time.Millisecond)); earlier >= first {
		t.Errorf("%s, made a millisecond earlier, is not below %s", earlier, first)
	}
	if same := identity.NewImageID(at); same < first {
		t.Errorf("%s, made at the time, is below %s", same, first)
	}
	if first := identity.FirstImageID(time.Unix(-1, 0)); first > identity.NewImageID(at) {
		t.Errorf("the first id of a time before 1970 is %s", first)
	}
}
