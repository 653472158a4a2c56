package cli

import (
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postrider/postrider/test/e2e/stack"
)

// TestScripts types commands. One deployment serves all scripts: a workspace keeps
// them apart.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	s := stack.New(t)
	api := s.API(t, "POSTRIDER_EGRESS_ALLOW=127.0.0.0/8")
	s.Worker(t)
	s.Scheduler(t)
	bin := t.TempDir()
	if err := os.Symlink(stack.Program(t, "postrider"), filepath.Join(bin, "postrider")); err != nil {
		t.Fatal(err)
	}
	// A group, so that the deployment outlives the scripts, which run beside each other.
	t.Run("Of", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				t.Parallel()
				script(t, s, api, bin, file)
			})
		}
	})
}

func script(t *testing.T, s *stack.Stack, api *stack.Process, bin, file string) {
	t.Helper()
	workspace := "cli-" + strings.ToLower(rand.Text()[:10])
	s.Admin(api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": workspace, "name": t.Name()}, http.StatusCreated, nil)
	key := s.NewKey(t, api, workspace).Key
	receiver := newReceiver(t)
	testscript.Run(t, testscript.Params{
		Files: []string{file}, RequireExplicitExec: true, Cmds: commands,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars,
				"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+env.WorkDir, "XDG_CONFIG_HOME="+env.WorkDir+"/config",
				"POSTRIDER_URL="+api.URL, "POSTRIDER_KEY="+key, "KEY="+key, "URL="+api.URL, "ADMIN="+stack.AdminKey, "WORKSPACE="+workspace,
				"RECEIVER="+receiver, "SECRET="+secret, "NOBODY=http://"+stack.FreeAddr(t))
			return os.WriteFile(filepath.Join(env.WorkDir, "secret.txt"), []byte(secret+"\n"), 0o600)
		},
	})
}
