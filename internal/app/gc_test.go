package app

import (
	"runtime"
	"testing"
)

func TestLimitFor(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for inUse, want := range map[int64]int64{0: 56 * mib, 28 * mib: 56 * mib, 29 * mib: 58 * mib, 500 * mib: 1000 * mib} {
		if got := limitFor(inUse, 56*mib); got != want {
			t.Errorf("with %d MiB in use the limit is %d MiB, want %d", inUse/mib, got/mib, want/mib)
		}
	}
}

func TestInUse(t *testing.T) {
	held := make([]byte, 64<<20)
	runtime.GC()
	if got := inUse(); got < int64(len(held)) || got > 1<<30 {
		t.Errorf("%d bytes are in use, of which we have %d", got, len(held))
	}
	runtime.KeepAlive(held)
}
