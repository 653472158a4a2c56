package cli

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// TestInterrupt has no scheduler, whose replays are, and no worker: nothing goes on
// by itself.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	t.Run("LeavesTheReplayRunning", func(t *testing.T) {
		t.Parallel()
		c := s.Workspace(t, api)
		var e stack.Endpoint
		c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{"url": "http://127.0.0.1:9/", "events": []string{"*"}}, http.StatusCreated, &e)
		c.Publish(t, "a.b")
		watching := start(t, s, api, c, "replay", e.ID, "--since", "1h", "--status", "success,failed")
		var replays struct{ Data []struct{ ID, Status string } }
		stack.Eventually(t, "a replay runs", func() bool {
			c.Call(t, http.MethodGet, "/v1/replays", nil, http.StatusOK, &replays)
			return len(replays.Data) == 1 && strings.Contains(watching.Said(t), "[")
		})
		id := replays.Data[0].ID
		watching.Signal(t, syscall.SIGINT)
		if code := watching.ExitCode(t); code != 130 {
			t.Errorf("exit code %d", code)
		}
		want(t, watching, "postrider replay --watch "+id, "postrider replay --cancel "+id)
		c.Call(t, http.MethodGet, "/v1/replays", nil, http.StatusOK, &replays)
		if got := replays.Data[0].Status; got != "running" {
			t.Errorf("the replay is %s", got)
		}
		cancel := start(t, s, api, c, "replay", "--cancel", id)
		if code := cancel.ExitCode(t); code != 0 {
			t.Errorf("cancel: exit code %d", code)
		}
		want(t, cancel, `"status":"canceled"`)
		if code := start(t, s, api, c, "replay", "--watch", id).ExitCode(t); code != 1 {
			t.Errorf("watching a canceled one: exit code %d", code)
		}
	})
	t.Run("EndsABenchAndItsEndpoint", func(t *testing.T) {
		t.Parallel()
		c := s.Workspace(t, api)
		bench := start(t, s, api, c, "bench", "--receiver", "--rate", "5", "--duration", "5m")
		endpoints := func() int {
			var out struct{ Data []struct{ ID string } }
			c.Call(t, http.MethodGet, "/v1/endpoints", nil, http.StatusOK, &out)
			return len(out.Data)
		}
		stack.Eventually(t, "it publishes", func() bool {
			var out struct{ Data []struct{ ID string } }
			c.Call(t, http.MethodGet, "/v1/events", nil, http.StatusOK, &out)
			return len(out.Data) > 0
		})
		if n := endpoints(); n != 1 {
			t.Errorf("there are %d endpoints", n)
		}
		bench.Signal(t, syscall.SIGINT)
		if code := bench.ExitCode(t); code != 130 {
			t.Errorf("exit code %d", code)
		}
		want(t, bench, `"accepted":`)
		if n := endpoints(); n != 0 {
			t.Errorf("it left %d endpoints", n)
		}
	})
}

// start starts a command as the owner of a key.
func start(t *testing.T, s *stack.Stack, api *stack.Process, c stack.Client, args ...string) *stack.Process {
	t.Helper()
	env := append(stack.CleanEnv(), "POSTRIDER_URL="+api.URL, "POSTRIDER_KEY="+c.Key(), "HOME="+s.Dir)
	return stack.Spawn(t, "postrider", s.Dir, env, s.Program(t, "postrider"), args...)
}

func want(t *testing.T, p *stack.Process, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if said := p.Said(t); !strings.Contains(said, part) {
			t.Errorf("does not say %q:\n%s", part, said)
		}
	}
}
