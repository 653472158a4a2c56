//go:build !race

package stack

// Race says whether the race detector is on, in the test and in the programs.
const Race = false
