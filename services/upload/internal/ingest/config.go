package ingest

import "time"

// Config bounds the service. Every field must be set; Defaults sets them.
type Config struct {
	FileBytes int64 // the most one file may hold

	// Memory bounds what all work at one time holds: an eighth of it source
	// bytes, the rest what decoding needs. A file larger than a tenth of it is
	// read through a temporary file, and an image whose decoding needs more than
	// its share is refused as too large.
	Memory    int64
	TempBytes int64  // the most that temporary files hold at one time
	TempDir   string // "" is the system's

	InWork         int           // images of all requests at one time; the others wait in the order of coming
	Ahead          int           // files of one request in work, or waiting for it, while the next is received
	DeriveTimeout  time.Duration // for decoding one image; more is too complex
	ProcessTimeout time.Duration // for all work on one image, waiting for memory included, waiting for a place not
	AnswerWithin   time.Duration // after the last byte of a request; then "processing" is answered

	Attempts     int           // at an image that fails for no known reason; then it is kept as it is
	AttemptPause time.Duration // after the first of them, doubled after each that follows
	LeaseLife    time.Duration // after this without a sign of life another process takes work over
	LeaseRenewal time.Duration // how often a sign of life is given; well below LeaseLife

	OpenSessions int           // that one owner may have
	OpenBytes    int64         // that the open sessions of one owner may be for
	SessionLife  time.Duration // from the plan on

	SweepAge     time.Duration // the sweep leaves alone what is younger
	LeftoverAge  time.Duration // renditions that belong to nothing are removed when older
	RepeatWithin time.Duration // manifests younger than this are said again by the sweep
	RepeatEvery  time.Duration // but one image not more often than this

	Specs []Spec // the renditions to make
}

// Defaults are the documented limits.
func Defaults() Config {
	return Config{
		FileBytes: 256 << 20,
		Memory:    320 << 20,
		TempBytes: 1 << 30,

		InWork:         16,
		Ahead:          256,
		DeriveTimeout:  30 * time.Second,
		ProcessTimeout: 5 * time.Minute,
		AnswerWithin:   time.Minute,

		Attempts:     5,
		AttemptPause: time.Minute,
		LeaseLife:    30 * time.Second,
		LeaseRenewal: 8 * time.Second,

		OpenSessions: 1000,
		OpenBytes:    64 << 30,
		SessionLife:  7 * 24 * time.Hour,

		SweepAge:     30 * time.Second,
		LeftoverAge:  24 * time.Hour,
		RepeatWithin: 24 * time.Hour,
		RepeatEvery:  time.Hour,

		Specs: []Spec{
			{Name: "w320", LongEdge: 320, Quality: 80},
			{Name: "w1024", LongEdge: 1024, Quality: 80},
			{Name: "w2048", LongEdge: 2048, Quality: 80},
		},
	}
}

func (c Config) sourceMemory() int64 { return c.Memory / 8 }
func (c Config) heldBytes() int64    { return c.Memory / 10 }

// DecodeMemory is the share of Memory that decoding may use, so that an imager
// can refuse, with its own sentence, what would never be admitted.
func (c Config) DecodeMemory() int64 { return c.Memory - c.sourceMemory() }
