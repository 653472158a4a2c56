// Package local runs what `postrider dev` and the tests need on this machine
// alone: a private Postgres whose data outlives it, and an in-process Redis. It
// finds the Postgres programs (or brings them), starts the server on a unix
// socket that nobody else can reach, and sees to it that the server ends with
// the process that started it, however that process ends.
package local
