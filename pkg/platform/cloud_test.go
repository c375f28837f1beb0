//go:build !embedded

package platform_test

import (
	"testing"

	"github.com/sajin-gallery/sajin/pkg/platform"
)

// Pages must be told where a bucket takes files itself; a directory does not.
func TestWhereSessionsAre(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:4443")
	cloud, err := platform.Open(t.Context(), platform.Config{MediaURL: "gs://bucket"}, platform.Media)
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	if got := cloud.SessionOrigin(); cloud.Sessions == nil || cloud.Partials != nil || got != "http://127.0.0.1:4443" {
		t.Errorf("over a bucket: sessions at %q", got)
	}
	local := embedded(t, t.TempDir(), platform.Events|platform.Media)
	defer local.Close()
	if got := local.SessionOrigin(); local.Sessions != nil || local.Partials == nil || got != "" {
		t.Errorf("over a directory: sessions at %q", got)
	}
}
