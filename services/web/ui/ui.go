// Package ui holds the interface's files for the browser: the style sheets and
// pictures as they are written, and the scripts as `npm run build` made them.
//
// It only carries files. Names, fingerprints and headers are the pages
// package's affair.
package ui

import "embed"

// Files is static/ (pictures), styles/ (style sheets, in the order of their
// names) and dist/ (what `npm ci && npm run build` made; nothing but a
// placeholder where that has not been run).
//
//go:embed all:dist static styles
var Files embed.FS
