package stack

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/redistest"
)

// AdminKey is every stack's.
const AdminKey = "admin-key-of-the-black-box-tests"

// Stack is where a test's processes run: one Postgres database, one real Redis
// and one configuration.
type Stack struct {
	// Dir is the processes' working directory; every user can get into it.
	Dir   string
	Redis *redistest.Server
	// Env is the configuration, as variables; of two for one key the last counts.
	Env []string
	// Programs is where the programs are; empty is this tree's, built.
	Programs string
	http     *http.Client
}

// New makes a stack on a database of its own.
func New(t testing.TB) *Stack {
	t.Helper()
	return On(t, pgtest.New(t))
}

// On makes a stack on somebody else's database.
func On(t testing.TB, postgresURL string) *Stack {
	t.Helper()
	s := &Stack{Dir: Dir(t), Redis: redistest.New(t), http: newHTTPClient(t)}
	s.Env = append(CleanEnv(),
		"POSTRIDER_POSTGRES_URL="+postgresURL,
		"POSTRIDER_REDIS_URL=redis://"+s.Redis.Addr()+"/0",
		"POSTRIDER_API_ADMIN_KEY="+AdminKey,
		"POSTRIDER_SECRETS_KEY="+SecretsKey(),
		"POSTRIDER_EGRESS_ALLOW=127.0.0.0/8")
	return s
}

// SecretsKey is a valid value of secrets.key.
func SecretsKey() string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)) }

// CleanEnv is this process's environment without any configuration.
func CleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "POSTRIDER_") })
}

// Dir is a temporary directory that every user can get into, as dev's Postgres
// has to; t.TempDir is root's alone.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postrider-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// API starts one and waits until it is ready.
func (s *Stack) API(t testing.TB, env ...string) *Process {
	return s.ready(t, s.Launch(t, "api", env...))
}

// Worker starts one and waits until it is ready.
func (s *Stack) Worker(t testing.TB, env ...string) *Process {
	return s.ready(t, s.Launch(t, "worker", env...))
}

// Scheduler starts one and waits until it is ready.
func (s *Stack) Scheduler(t testing.TB, env ...string) *Process {
	return s.ready(t, s.Launch(t, "scheduler", env...))
}

// Launch starts a server and does not wait for it. env goes over the stack's.
func (s *Stack) Launch(t testing.TB, role string, env ...string) *Process {
	t.Helper()
	health := FreeAddr(t)
	own := append(slices.Clone(s.Env), "POSTRIDER_METRICS_LISTEN="+health)
	url := ""
	if role == "api" {
		listen := FreeAddr(t)
		own, url = append(own, "POSTRIDER_API_LISTEN="+listen), "http://"+listen
	}
	p := Spawn(t, role, s.Dir, append(own, env...), s.Program(t, role))
	p.Health, p.URL = "http://"+health, url
	return p
}

// Program is the path of one of the programs.
func (s *Stack) Program(t testing.TB, name string) string {
	if s.Programs != "" {
		return filepath.Join(s.Programs, name)
	}
	return Program(t, name)
}

// Release is the same stack with the programs of another release.
func (s *Stack) Release(programs string) *Stack {
	other := *s
	other.Programs = programs
	return &other
}

func (s *Stack) ready(t testing.TB, p *Process) *Process {
	t.Helper()
	s.WaitReady(t, p)
	return p
}
