package stack

import (
	"path/filepath"
	"syscall"
	"testing"
)

// SmallDisk mounts one. Only root may; others' tests are skipped.
func SmallDisk(t testing.TB, megabytes string) *Disk {
	t.Helper()
	dir := Dir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755,size="+megabytes+"m"); err != nil {
		t.Skipf("a test of a full disk mounts a small one, which this user may not: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &Disk{Dir: dir, filler: filepath.Join(dir, "filler")}
}
