package upload

import (
	"errors"
	"fmt"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Config is what an operator may set. The variables have the prefix SAJIN_. The
// limits are documented in api/openapi.yaml.
type Config struct {
	FileBytes       int64         `env:"UPLOAD_FILE_BYTES" envDefault:"268435456"`     // of one file
	RequestBytes    int64         `env:"UPLOAD_REQUEST_BYTES" envDefault:"4294967296"` // of one request
	FilesPerRequest int           `env:"UPLOAD_FILES_PER_REQUEST" envDefault:"1000"`
	IdleBody        time.Duration `env:"UPLOAD_IDLE_BODY" envDefault:"60s"` // until a body's next byte

	Memory    int64  `env:"UPLOAD_MEMORY_BYTES" envDefault:"335544320"` // of all images in work
	TempBytes int64  `env:"UPLOAD_TEMP_BYTES" envDefault:"1073741824"`  // of all temporary files
	TempDir   string `env:"UPLOAD_TEMP_DIR"`                            // "" is the system's
	MaxPixels int64  `env:"UPLOAD_MAX_PIXELS" envDefault:"52428800"`    // of one image

	// Workers says where images are decoded: in processes of their own, or here.
	Workers       string        `env:"UPLOAD_WORKERS" envDefault:"process"`    // process, inprocess
	DeriveTimeout time.Duration `env:"UPLOAD_DERIVE_TIMEOUT" envDefault:"30s"` // for decoding one image
	AnswerWithin  time.Duration `env:"UPLOAD_ANSWER_WITHIN" envDefault:"60s"`  // after a request's last byte

	SweepEvery time.Duration `env:"UPLOAD_SWEEP_EVERY" envDefault:"10m"` // 0 leaves it to a job (see Sweep)
	SweepAge   time.Duration `env:"UPLOAD_SWEEP_AGE" envDefault:"30s"`   // what is younger may be in work elsewhere

	Attempts int `env:"UPLOAD_ATTEMPTS" envDefault:"5"` // at an image that fails for no known reason

	OpenSessions int           `env:"UPLOAD_OPEN_SESSIONS" envDefault:"1000"`     // of one owner
	OpenBytes    int64         `env:"UPLOAD_OPEN_BYTES" envDefault:"68719476736"` // that the open sessions of one owner are for
	SessionLife  time.Duration `env:"UPLOAD_SESSION_LIFE" envDefault:"168h"`      // then a session that is not finished is given up

	Concurrency int `env:"UPLOAD_EVENTS_AT_ONCE" envDefault:"4"` // events in work at one time
}

// What SAJIN_UPLOAD_WORKERS may say.
const (
	workersProcess   = "process"
	workersInProcess = "inprocess"
)

// Limits on what belongs to the form rather than to the files.
const (
	fieldBytes      = 16 << 10
	partHeaderBytes = 16 << 10
	spareParts      = 100 // text fields besides one last_modified a file
)

// Validate names every variable whose value cannot work.
func (c Config) Validate() error {
	var all []error
	positive := func(name string, value int64) {
		if value <= 0 {
			all = append(all, fmt.Errorf("%s must be greater than 0, not %d", name, value))
		}
	}
	positive("SAJIN_UPLOAD_FILE_BYTES", c.FileBytes)
	positive("SAJIN_UPLOAD_FILES_PER_REQUEST", int64(c.FilesPerRequest))
	positive("SAJIN_UPLOAD_IDLE_BODY", int64(c.IdleBody))
	positive("SAJIN_UPLOAD_MAX_PIXELS", c.MaxPixels)
	positive("SAJIN_UPLOAD_DERIVE_TIMEOUT", int64(c.DeriveTimeout))
	positive("SAJIN_UPLOAD_ANSWER_WITHIN", int64(c.AnswerWithin))
	if c.SweepEvery < 0 {
		all = append(all, fmt.Errorf("SAJIN_UPLOAD_SWEEP_EVERY must be 0 or more, not %s", c.SweepEvery))
	}
	positive("SAJIN_UPLOAD_SWEEP_AGE", int64(c.SweepAge))
	positive("SAJIN_UPLOAD_ATTEMPTS", int64(c.Attempts))
	positive("SAJIN_UPLOAD_OPEN_SESSIONS", int64(c.OpenSessions))
	positive("SAJIN_UPLOAD_OPEN_BYTES", c.OpenBytes)
	positive("SAJIN_UPLOAD_SESSION_LIFE", int64(c.SessionLife))
	if c.Concurrency < 1 || c.Concurrency > event.MaxConcurrency {
		all = append(all, fmt.Errorf("SAJIN_UPLOAD_EVENTS_AT_ONCE must be from 1 to %d, not %d", event.MaxConcurrency, c.Concurrency))
	}
	if c.Workers != workersProcess && c.Workers != workersInProcess {
		all = append(all, fmt.Errorf("SAJIN_UPLOAD_WORKERS must be process or inprocess, not %q", c.Workers))
	}
	if c.RequestBytes < c.FileBytes {
		all = append(all, errors.New("SAJIN_UPLOAD_REQUEST_BYTES must not be less than SAJIN_UPLOAD_FILE_BYTES"))
	}
	if c.TempBytes < c.FileBytes {
		all = append(all, errors.New("SAJIN_UPLOAD_TEMP_BYTES must not be less than SAJIN_UPLOAD_FILE_BYTES"))
	}
	if c.Memory < 16<<20 {
		all = append(all, errors.New("SAJIN_UPLOAD_MEMORY_BYTES must be at least 16777216"))
	}
	return errors.Join(all...)
}

func (c Config) core() ingest.Config {
	out := ingest.Defaults()
	out.FileBytes, out.Memory, out.TempBytes, out.TempDir = c.FileBytes, c.Memory, c.TempBytes, c.TempDir
	out.DeriveTimeout, out.AnswerWithin, out.SweepAge = c.DeriveTimeout, c.AnswerWithin, c.SweepAge
	out.Attempts = c.Attempts
	out.OpenSessions, out.OpenBytes, out.SessionLife = c.OpenSessions, c.OpenBytes, c.SessionLife
	return out
}

func (c Config) http() httpapi.Limits {
	return httpapi.Limits{
		RequestBytes: c.RequestBytes, Files: c.FilesPerRequest, Parts: 2*c.FilesPerRequest + spareParts,
		FieldBytes: fieldBytes, PartHeaderBytes: partHeaderBytes, IdleBody: c.IdleBody,
	}
}
