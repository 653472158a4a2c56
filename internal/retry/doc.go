// Package retry decides what follows an attempt: done, another one later, or
// giving up. It is pure: no clock, no randomness of its own, no I/O.
package retry
