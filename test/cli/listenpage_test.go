package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// TestListenPage types what docs/listen.md shows, in its order. What goes on for ever
// does so beside the rest, until the end.
func TestListenPage(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	c := s.Workspace(t, api)
	l, url := newLocal(t)
	var e stack.Endpoint
	c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{"url": url, "events": []string{"post.*"}, "secret": secret}, http.StatusCreated, &e)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret.txt"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(stack.CleanEnv(), "POSTRIDER_URL="+api.URL, "POSTRIDER_KEY="+c.Key(), "HOME="+dir, "RECEIVER="+url, "EP="+e.ID,
		"PATH="+filepath.Dir(s.Program(t, "postrider"))+string(os.PathListSeparator)+os.Getenv("PATH"))
	var watching []*stack.Process
	var commands []string
	for _, block := range shell.FindAllStringSubmatch(read(t, "../../docs/listen.md"), -1) {
		for line := range strings.Lines(block[1]) {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	for _, line := range commands {
		p := stack.Spawn(t, "typed", dir, env, "/bin/sh", "-c", "exec "+line)
		switch {
		case strings.Contains(line, "curl"):
			says(t, p, "retry: 1000")
		case strings.Contains(line, "listen"), strings.Contains(line, "tail"):
			says(t, p, "Ready")
		default:
			if code := p.ExitCode(t); code != 0 {
				t.Errorf("%s: exit code %d", line, code)
			}
			says(t, watching[0], `"event_id":"post-123-created","type":"post.created","forwarded":true,"status_code":200`)
			continue
		}
		watching = append(watching, p)
	}
	if len(watching) != 7 {
		t.Fatalf("the page has %d commands that watch", len(watching))
	}
	publishAs(t, c, "post.refused", "at-the-end")
	for i, p := range watching {
		if !strings.Contains(commands[i+min(i, 1)], "tail") {
			says(t, p, "at-the-end")
		}
	}
	n := 0
	stack.Eventually(t, "attempts are shown, as from a second after the beginning on", func() bool {
		n++
		publishAs(t, c, "post.refused", fmt.Sprint("again-", n))
		return strings.Contains(watching[5].Said(t), `"type":"post.refused","number":1`)
	})
	if len(l.seen()) < 7 { // two events to their endpoint, and as often as they were listened for
		t.Errorf("got %v", l.seen())
	}
}
