// Package api holds the description of the web service's public HTTP API.
package api

import _ "embed"

// OpenAPI is the OpenAPI 3.0 file of /api/v1 and /media.
//
//go:embed openapi.yaml
var OpenAPI []byte
