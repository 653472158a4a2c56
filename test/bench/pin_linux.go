package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin puts each process, with its children and this one, on the core that is said of
// it; anyCore is all of them.
func (s *stack) pin(coreOf func(name string) int) error {
	pids, err := s.pids()
	if err != nil {
		return err
	}
	pids[driver] = os.Getpid()
	for name, pid := range pids {
		family := []int{pid}
		if name != driver { // which is everybody's parent
			kids, err := children(pid)
			if err != nil {
				return err
			}
			for kid := range kids {
				family = append(family, kid)
			}
		}
		for _, pid := range family {
			if err := pinThreads(pid, coreOf(roleOf(name))); err != nil {
				return err
			}
		}
	}
	return nil
}

// pinThreads looks again until no thread is new: one is born where its maker runs.
func pinThreads(pid, core int) error {
	var set unix.CPUSet
	for n := range runtime.NumCPU() {
		if core == anyCore || core == n {
			set.Set(n)
		}
	}
	done := map[string]bool{}
	for again := true; again; {
		again = false
		threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*"))
		if err != nil {
			return err
		}
		for _, dir := range threads {
			if done[dir] {
				continue
			}
			done[dir], again = true, true
			id, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				return err
			}
			// It may have ended since.
			if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return nil
}
