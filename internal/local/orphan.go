package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopOrphan ends a server that outlived the process which started it. The
// caller holds the directory's lock, so nobody is using it. A pid file left over
// whose number now belongs to another process is only removed: Postgres would
// take it for a running server and refuse to start.
func stopOrphan(ctx context.Context, cluster string) error {
	file := filepath.Join(cluster, "postmaster.pid")
	pid, err := postmasterPid(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{
		{syscall.SIGINT, 10 * time.Second}, // fast shutdown
		{syscall.SIGQUIT, 5 * time.Second}, // immediate shutdown
		{syscall.SIGKILL, 5 * time.Second},
	} {
		if !servesCluster(pid, cluster) {
			break
		}
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop left-over Postgres %d: %w", pid, err)
		}
		poll(ctx, step.patience, func() bool { return !servesCluster(pid, cluster) })
	}
	if servesCluster(pid, cluster) {
		return fmt.Errorf("left-over Postgres %d on %s doesn't stop", pid, cluster)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stale pid file: %w", err)
	}
	return nil
}

// postmasterPid reads the first line of a pid file; 0 if that isn't a pid.
func postmasterPid(file string) (int, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read pid file: %w", err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0, nil
	}
	return pid, nil
}

// servesCluster reports whether the process is a Postgres that was started on
// this very cluster.
func servesCluster(pid int, cluster string) bool {
	if pid == 0 {
		return false
	}
	args := commandLine(pid)
	if len(args) == 0 || filepath.Base(args[0]) != "postgres" {
		return false
	}
	i := slices.Index(args, "-D")
	return i > 0 && i+1 < len(args) && args[i+1] == cluster
}

// poll returns once done says so, or patience or ctx has ended.
func poll(ctx context.Context, patience time.Duration, done func() bool) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
