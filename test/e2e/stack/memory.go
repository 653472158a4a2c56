package stack

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// PeakMemory is the most memory that the process had at once, in bytes; 0 where
// the system does not tell.
func (p *Process) PeakMemory(t testing.TB) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		text, found := strings.CutPrefix(line, "VmHWM:")
		if !found {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return kib << 10
	}
	return 0
}
