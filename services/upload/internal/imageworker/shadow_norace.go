//go:build !race

package imageworker

const shadow = 1
