//go:build !linux

package local

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// endWithParent does nothing where the kernel has no such signal: what outlives
// us is stopped by the next start on the same data directory.
func endWithParent(*syscall.SysProcAttr) {}

// commandLine is the arguments of a running process, as far as ps shows them;
// nil if there is none.
func commandLine(pid int) []string {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil
	}
	return strings.Fields(string(out))
}
