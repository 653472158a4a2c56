package local

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// endWithParent has the kernel send SIGQUIT when the parent dies. For Postgres
// that is the immediate shutdown, which takes its own children along; anything
// that doesn't catch it just ends.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }

// commandLine is the arguments of a running process; nil if there is none, or
// only its zombie.
func commandLine(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(raw) == 0 {
		return nil
	}
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimRight(raw, "\x00"), []byte{0}) {
		args = append(args, string(arg))
	}
	return args
}
