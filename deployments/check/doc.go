// Package check holds the files by which Sajin is deployed to the code that
// they deploy: each is decoded strictly into its real type, and what it names
// (an image, a port, a probe, a variable, a secret, a topic) must exist in the
// code or in another file, and the other way round.
//
// It has tests only. It reads the product's sources and never imports them, so
// that neither module's dependencies meet the other's.
package check
