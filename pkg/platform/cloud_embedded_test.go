//go:build embedded

package platform_test

import (
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

func TestABuildForOneMachineSaysWhatItLacks(t *testing.T) {
	for _, tt := range []struct {
		need platform.Need
		c    platform.Config
	}{
		{platform.Media, platform.Config{MediaURL: "gs://bucket"}},
		{platform.Events, platform.Config{EventsURL: "pubsub://project"}},
		{platform.Database, platform.Config{DatabaseURL: "cloudsql://project:region:instance/db?iam=user"}},
	} {
		_, err := everything.Open(t.Context(), tt.c, tt.need)
		if err == nil || !strings.Contains(err.Error(), "built for one machine only") || !strings.Contains(err.Error(), "without that tag") {
			t.Errorf("%+v: %v", tt.c, err)
		}
	}
	door := platform.CatalogDoor()
	if err := config.Load(guardedByGoogle, &door); err == nil || !strings.Contains(err.Error(), "SAJIN_SERVICE_AUTH=google") || door.Guard() != nil {
		t.Errorf("a door that Google guards: %v", err)
	}
}
