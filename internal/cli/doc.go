// Package cli is what the command line does with a deployment. It uses the public
// packages: what it shows and changes, anybody's program can.
//
// [Commands] are for cmd/postrider to add beside its own, and [Execute] runs all of
// them, with exit codes that scripts can go by.
package cli
