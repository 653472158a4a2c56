package e2e

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// devProcess is a running postrider dev and what it printed once it was ready.
type devProcess struct {
	*stack.Process
	url, adminKey, key, curl string
}

// devSays finds the value that dev prints behind a word.
func devSays(t *testing.T, said, word string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\s*` + word + `\s+(\S+)`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("dev says nothing about %q:\n%s", word, said)
	}
	return m[1]
}

// startDev starts dev on free ports with its data in dir.
func startDev(t *testing.T, dir string) devProcess {
	t.Helper()
	p := stack.Spawn(t, "postrider dev", dir, stack.CleanEnv(), stack.Program(t, "postrider"), "dev", "--data", filepath.Join(dir, "data"),
		"--api.listen", stack.FreeAddr(t), "--metrics.listen", stack.FreeAddr(t))
	curl := regexp.MustCompile(`(?m)^curl .*$`)
	stack.Eventually(t, "dev is ready", func() bool {
		if p.Ended() {
			t.Fatal("dev ended by itself")
		}
		return curl.MatchString(p.Said(t))
	})
	said := p.Said(t)
	return devProcess{p, devSays(t, said, "API"), devSays(t, said, "Admin key"), devSays(t, said, "Key"), curl.FindString(said)}
}

// runCurl runs the printed line as it is and returns the event's id.
func (d devProcess) runCurl(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", d.curl)
	cmd.Env = stack.CleanEnv()
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", d.curl, err, said)
	}
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindSubmatch(said)
	if id == nil {
		t.Fatalf("%s: %s", d.curl, said)
	}
	return string(id[1])
}

// waitShown waits until the event shows in dev's output, verified.
func (d devProcess) waitShown(t *testing.T, event string) {
	t.Helper()
	stack.Eventually(t, "the webhook shows", func() bool {
		for line := range strings.SplitSeq(d.Said(t), "\n") {
			if strings.Contains(line, event) && strings.Contains(line, "both signatures valid") {
				return true
			}
		}
		return false
	})
}

func TestDev(t *testing.T) {
	t.Parallel()

	t.Run("StartsFromNothingDeliversAndKeepsItsData", func(t *testing.T) {
		t.Parallel()
		dir := stack.Dir(t)
		s := stack.New(t) // only its clients are used
		first := startDev(t, dir)
		event := first.runCurl(t)
		first.waitShown(t, event)
		api := &stack.Process{URL: first.url}
		s.Client(api, first.adminKey).Call(t, http.MethodGet, "/v1/workspaces", nil, http.StatusOK, nil)
		s.Client(api, first.key).WaitSettled(t)
		first.Signal(t, syscall.SIGINT)
		if code := first.ExitCode(t); code != 0 {
			t.Errorf("exit code %d after SIGINT", code)
		}

		second := startDev(t, dir)
		if second.key != first.key {
			t.Error("the workspace's key is another one")
		}
		c := s.Client(&stack.Process{URL: second.url}, first.key)
		c.Call(t, http.MethodGet, "/v1/events/"+event, nil, http.StatusOK, nil)
		if all := c.Deliveries(t, event); len(all) != 1 || all[0].Status != "success" {
			t.Errorf("got %+v", all)
		}
		second.waitShown(t, second.runCurl(t))
		var mine struct{ Data []stack.Endpoint }
		c.Call(t, http.MethodGet, "/v1/endpoints", nil, http.StatusOK, &mine)
		c.Call(t, http.MethodPost, "/v1/endpoints/"+mine.Data[0].ID+"/secret/rotate", map[string]any{"overlap": 0}, http.StatusOK, nil)
		second.waitShown(t, second.runCurl(t)) // the receiver has the new secret
		second.Terminate(t)
	})
}
