// Package stack runs the real programs for black-box tests: as many APIs,
// workers and schedulers as a test wants, on a Postgres and a Redis of its own,
// with a receiver that verifies, counts and misbehaves on demand.
package stack
