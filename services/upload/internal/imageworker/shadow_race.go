//go:build race

package imageworker

// shadow is how many times the spare memory a program built with the race
// detector needs: it keeps a record of every access beside the memory itself.
const shadow = 32
