package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// On Linux the kernel ends Postgres with dev; elsewhere the next start does.
func TestDevsPostgres(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{
		"EndsWithAnInterruptedDev": syscall.SIGINT, "EndsWithAKilledDevAndLosesNothing": syscall.SIGKILL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := stack.Dir(t)
			first := startDev(t, dir)
			event := first.runCurl(t)
			postgres := postgresOf(t, dir)
			for _, pid := range postgres {
				if _, running := parentOf(pid); !running {
					t.Fatalf("process %d of Postgres does not run", pid)
				}
			}
			t.Cleanup(func() { // only a test that fails leaves it to this
				if _, running := parentOf(postgres[0]); running {
					_ = syscall.Kill(postgres[0], syscall.SIGQUIT)
				}
			})
			first.Signal(t, sig)
			first.ExitCode(t)
			for _, pid := range postgres {
				stack.Eventually(t, fmt.Sprintf("process %d of Postgres ends", pid), func() bool {
					_, running := parentOf(pid)
					return !running
				})
			}

			second := startDev(t, dir)
			c := stack.New(t).Client(&stack.Process{URL: second.url}, first.key)
			c.Call(t, http.MethodGet, "/v1/events/"+event, nil, http.StatusOK, nil)
			c.WaitSettled(t)
			if all := c.Deliveries(t, event); len(all) != 1 || all[0].Status != "success" {
				t.Errorf("got %+v", all)
			}
		})
	}
}

// postgresOf is the ids of all processes of the Postgres in dir, the server's
// first.
func postgresOf(t *testing.T, dir string) []int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "data", "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	server, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	all := []int{server}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // no process
		}
		if parent, running := parentOf(pid); running && parent == server {
			all = append(all, pid)
		}
	}
	if len(all) == 1 {
		t.Fatalf("Postgres %d has no children", server)
	}
	return all
}

// parentOf is a process's parent. A zombie that nobody has collected yet does
// not run.
func parentOf(pid int) (parent int, running bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	parent, err = strconv.Atoi(fields[1])
	return parent, err == nil && fields[0] != "Z"
}
