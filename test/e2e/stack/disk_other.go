//go:build !linux

package stack

import "testing"

// SmallDisk skips the test: a small disk is made on Linux only.
func SmallDisk(t testing.TB, _ string) *Disk {
	t.Helper()
	t.Skip("a test of a full disk mounts a small one, which is done on Linux only")
	return nil
}
