package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the kernel's CPU times in /proc: USER_HZ, 100 a second on
// every architecture that Go runs on.
const tick = 10 * time.Millisecond

// stat is what /proc says of one process.
type stat struct {
	parent int
	// cpu is its own time, reaped the time of its children that have ended.
	cpu, reaped time.Duration
}

// readStat reads /proc/<pid>/stat, which only Linux has.
func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The program's name is in parentheses and may hold anything.
	_, rest, ok := strings.Cut(string(raw[max(strings.LastIndexByte(string(raw), ')'), 0):]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return stat{}, fmt.Errorf("read the CPU time of process %d: unknown format", pid)
	}
	var n [15]int64
	for _, i := range []int{1, 11, 12, 13, 14} {
		if n[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return stat{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
	}
	return stat{
		parent: int(n[1]), cpu: time.Duration(n[11]+n[12]) * tick, reaped: time.Duration(n[13]+n[14]) * tick,
	}, nil
}

// children are the processes that pid started and that still run.
func children(pid int) (map[int]stat, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	found := map[int]stat{}
	for _, dir := range dirs {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		// A process may end between the listing and the look.
		if st, err := readStat(child); err == nil && st.parent == pid {
			found[child] = st
		}
	}
	return found, nil
}

// cpuOf is the CPU time that a process has used, with its children's.
func cpuOf(pid int) (time.Duration, error) {
	st, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := st.cpu + st.reaped
	kids, err := children(pid)
	for _, kid := range kids {
		total += kid.cpu
	}
	return total, err
}

// ownCPU is the CPU time of this process: posters and receiver.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the own CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// peakMemory is the most that a process had in memory, in bytes. For Postgres
// it is the largest one's: they share most of what they have.
func peakMemory(pid int) (int64, error) {
	peak, err := highWater(pid)
	if err != nil {
		return 0, err
	}
	kids, err := children(pid)
	for kid := range kids {
		if n, err := highWater(kid); err == nil {
			peak = max(peak, n)
		}
	}
	return peak, err
}

// highWater reads VmHWM.
func highWater(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		text, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
		}
		return kb << 10, nil
	}
	return 0, fmt.Errorf("read the memory of process %d: no VmHWM", pid)
}
