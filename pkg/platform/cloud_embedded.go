//go:build embedded

package platform

import (
	"errors"

	"github.com/sajin-gallery/sajin/pkg/serviceauth"
)

// ErrEmbedded explains a build that leaves the cloud's adapters out.
var ErrEmbedded = errors.New("this program was built for one machine only (-tags embedded); " +
	"gs://, pubsub://, cloudsql:// and SAJIN_SERVICE_AUTH=google need a build without that tag")

func googleVerifier(string) (serviceauth.Verifier, error) { return nil, ErrEmbedded }

func googleTokens(string) (serviceauth.TokenSource, error) { return nil, ErrEmbedded }
