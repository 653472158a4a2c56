package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measured are the processes in the report, in its order.
var measured = [...]string{"api", "worker", "scheduler", "redis", "postgres", driver}

// driver is this process: posters and receiver.
const driver = "driver and receiver"

// usage is CPU time by process.
type usage map[string]time.Duration

// pids are the processes under test.
func (s *stack) pids() (map[string]int, error) {
	postmaster, err := s.postmaster()
	if err != nil {
		return nil, err
	}
	all := map[string]int{"postgres": postmaster}
	for name, p := range s.processes {
		all[name] = p.child.Pid()
	}
	return all, nil
}

// postmaster is the process that all of Postgres's are children of.
func (s *stack) postmaster() (int, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, dataDir, "postgres", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find the postmaster: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return strconv.Atoi(line)
}

// cpu is the CPU time that each process has used since its start.
func (s *stack) cpu() (usage, error) {
	own, err := ownCPU()
	if err != nil {
		return nil, err
	}
	u := usage{driver: own}
	pids, err := s.pids()
	if err != nil {
		return nil, err
	}
	for name, pid := range pids {
		used, err := cpuOf(pid)
		if err != nil {
			return nil, err
		}
		u[roleOf(name)] += used
	}
	return u, nil
}

// since is what was used after before, for each of n, in microseconds.
func (u usage) since(before usage, n int) map[string]float64 {
	each := make(map[string]float64, len(u))
	for name := range u {
		each[name] = float64((u[name] - before[name]).Microseconds()) / float64(n)
	}
	return each
}

// memory is each process's peak, in bytes.
func (s *stack) memory() (map[string]int64, error) {
	pids, err := s.pids()
	if err != nil {
		return nil, err
	}
	peaks := make(map[string]int64, len(pids))
	for name, pid := range pids {
		if peaks[name], err = peakMemory(pid); err != nil {
			return nil, err
		}
	}
	return peaks, nil
}

// total is all processes' time.
func total(each map[string]float64) float64 {
	sum := 0.0
	for _, us := range each {
		sum += us
	}
	return sum
}
