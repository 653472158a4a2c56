package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine is what the figures were taken on, and of.
type machine struct {
	cores                   int
	cpu, kernel             string
	golang, postgres, redis string
	filesystem              string
	fsync                   time.Duration // writing and syncing 8 KiB
	date                    time.Time
	commit                  string
}

func describe(ctx context.Context, s *stack) (m machine, err error) {
	m = machine{
		cores: runtime.NumCPU(), cpu: cpuModel(), kernel: firstLine(os.ReadFile("/proc/sys/kernel/osrelease")),
		golang: strings.TrimPrefix(runtime.Version(), "go"), filesystem: filesystem(s.dir),
		date: time.Now().UTC(), commit: commit(ctx),
	}
	if m.postgres, err = version(ctx, s.binaries.Postgres(), ""); err != nil {
		return m, err
	}
	if m.redis, err = version(ctx, s.redisServer, "v="); err != nil {
		return m, err
	}
	m.fsync, err = syncTime(s.dir)
	return m, err
}

// version is the first word that starts with a digit in what a program says of
// its version; prefix may stand before it.
func version(ctx context.Context, program, prefix string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "--version")
	cmd.Dir = "/"
	said, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", program, err)
	}
	for word := range strings.FieldsSeq(string(said)) {
		if word = strings.TrimPrefix(word, prefix); word != "" && word[0] >= '0' && word[0] <= '9' {
			return word, nil
		}
	}
	return firstLine(said, nil), nil
}

func firstLine(raw []byte, err error) string {
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}

func cpuModel() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.SplitSeq(string(raw), "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOARCH
}

// commit is the short hash of the sources in the working directory, with a word
// when they were changed since; the report itself doesn't count.
func commit(ctx context.Context) string {
	hash, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ":/", ":!/docs/benchmarks.md", ":!/docs/benchmarks.svg").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(hash)) + " dirty"
	}
	return strings.TrimSpace(string(hash))
}

// filesystem names what the data is on: on tmpfs a sync would cost nothing.
func filesystem(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "unknown"
	}
	names := map[int64]string{
		0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x794c7630: "overlayfs", 0x01021994: "tmpfs", 0x2fc12fc1: "zfs",
	}
	if name, ok := names[int64(st.Type)]; ok { //nolint:unconvert // an int32 on some platforms
		return name
	}
	return fmt.Sprintf("file system %#x", st.Type)
}

// syncTime is how long writing and syncing 8 KiB takes, as a commit does.
func syncTime(dir string) (time.Duration, error) {
	const rounds = 200
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, fmt.Errorf("measure sync: %w", err)
	}
	defer f.Close()
	page := make([]byte, 8<<10)
	start := time.Now()
	for range rounds {
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, fmt.Errorf("measure sync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure sync: %w", err)
		}
	}
	return time.Since(start) / rounds, nil
}
