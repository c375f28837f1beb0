//go:build !embedded

package platform

import (
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens"
)

func googleVerifier(audience string) (serviceauth.Verifier, error) {
	return googletokens.NewVerifier(audience, nil)
}

func googleTokens(audience string) (serviceauth.TokenSource, error) {
	return googletokens.NewSource(audience)
}
