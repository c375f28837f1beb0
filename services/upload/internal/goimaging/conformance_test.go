package goimaging_test

import (
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagemetadata"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
)

func TestConformance(t *testing.T) {
	imagertest.Run(t, func(*testing.T) imagertest.Subject {
		return imagertest.Subject{Imager: goimaging.New(goimaging.Limits{MaxDuration: 10 * time.Minute}), MetadataReader: imagemetadata.New(time.Now)}
	})
}
