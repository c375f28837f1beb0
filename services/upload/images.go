package upload

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagemetadata"
	"github.com/sajin-gallery/sajin/services/upload/internal/imageworker"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// ImageWorker must be called first thing by the main function, or by TestMain, of
// every program with an upload service in it. A process that the service started
// to work on images never returns from it; any other only goes on.
func ImageWorker() { imageworker.Main(engine) }

// engine is what works on images, in a worker or in this process.
func engine(config json.RawMessage) (ingest.Imager, ingest.MetadataReader, error) {
	var limits goimaging.Limits
	if err := json.Unmarshal(config, &limits); err != nil {
		return nil, nil, fmt.Errorf("upload: %w", err)
	}
	return goimaging.New(limits), imagemetadata.New(time.Now), nil
}

// images is whatever works on them.
type images struct {
	ingest.Imager
	ingest.MetadataReader
	memoryFile func() (*os.File, error)
	close      func()
}

// answerSpare is what a worker has beyond the imager's own limit on time, which
// tells more about the image than being killed.
const answerSpare = 5 * time.Second

func newImages(cfg Config, deps Deps) (images, error) {
	memory := cfg.core().DecodeMemory()
	limits := goimaging.Limits{MaxPixels: cfg.MaxPixels, MaxMemoryBytes: memory, MaxDuration: cfg.DeriveTimeout}
	if cfg.Workers == workersInProcess {
		return images{goimaging.New(limits), imagemetadata.New(deps.Now), nil, func() {}}, nil
	}
	pool, err := imageworker.New(imageworker.Config{
		Engine: limits, AtOnce: ingest.DecodesAtOnce(), Memory: memory, Timeout: cfg.DeriveTimeout + answerSpare, Log: deps.Log,
	})
	if err != nil {
		return images{}, err
	}
	return images{pool, pool, imageworker.MemoryFile, pool.Close}, nil
}
