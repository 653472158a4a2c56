package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// ended is a program that has run to its end.
type ended struct {
	t    *testing.T
	code int
	said string
}

// complete runs a program that ends by itself.
func complete(t *testing.T, dir string, env []string, program string, args ...string) ended {
	t.Helper()
	p := stack.Spawn(t, program, dir, env, stack.Program(t, program), args...)
	code := p.ExitCode(t)
	return ended{t, code, p.Said(t)}
}

// postrider runs the command line with the stack's configuration.
func (s service) postrider(t *testing.T, args ...string) ended {
	t.Helper()
	return complete(t, s.Dir, s.Env, "postrider", args...)
}

// want checks the exit code and what must have been said.
func (e ended) want(code int, parts ...string) ended {
	e.t.Helper()
	if e.code != code {
		e.t.Errorf("exit code %d, want %d", e.code, code)
	}
	for _, part := range parts {
		if !strings.Contains(e.said, part) {
			e.t.Errorf("does not say %q:\n%s", part, e.said)
		}
	}
	return e
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	const adminKey, secretsKey = "POSTRIDER_API_ADMIN_KEY=an-admin-key", "POSTRIDER_SECRETS_KEY="
	tests := []struct {
		name, role, file string
		env, args        []string
		says             string
	}{
		{name: "MissingAdminKeyStopsTheAPI", role: "api", env: []string{secretsKey + stack.SecretsKey()}, says: "api.admin_key"},
		{name: "MissingSecretsKeyStopsTheAPI", role: "api", env: []string{adminKey}, says: "secrets.key"},
		{name: "MissingSecretsKeyStopsTheWorker", role: "worker", says: "secrets.key"},
		{name: "ShortSecretsKeyStopsTheWorker", role: "worker", env: []string{secretsKey + "c2hvcnQ="}, says: "secrets.key"},
		{name: "UnknownKeyInTheFileStopsTheScheduler", role: "scheduler", file: "worker: {concurency: 5}\n", says: "worker.concurency"},
		{name: "UnknownFlagStopsTheScheduler", role: "scheduler", args: []string{"--worker.concurency=5"}, says: "worker.concurency"},
		{name: "BadValueInTheFileStopsTheScheduler", role: "scheduler", file: "breaker: {window: soon}\n", says: "breaker.window"},
		{name: "BadValueInAVariableStopsTheScheduler", role: "scheduler", env: []string{"POSTRIDER_RETENTION_DELIVERIES=long"}, says: "retention.deliveries"},
		{name: "BadValueOfAFlagStopsTheScheduler", role: "scheduler", args: []string{"--log.level=loud"}, says: "log.level"},
		{name: "BadValueStopsACommand", role: "postrider", args: []string{"migrate", "status", "--log.format=xml"}, says: "log.format"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := stack.Dir(t)
			if test.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "postrider.yaml"), []byte(test.file), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			e := complete(t, dir, append(stack.CleanEnv(), test.env...), test.role, test.args...)
			if e.code <= 0 {
				t.Errorf("exit code %d", e.code)
			}
			e.want(e.code, test.says)
		})
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()

	t.Run("OfUnknownVariablesIsAWarningOnly", func(t *testing.T) {
		t.Parallel()
		s := stack.New(t)
		p := s.Scheduler(t, "POSTRIDER_API_PORT_8080_TCP=tcp://10.0.0.1:8080")
		lines := strings.Split(p.Said(t), "\n")
		if !slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, "POSTRIDER_API_PORT_8080_TCP") && strings.Contains(line, "WARN")
		}) {
			t.Errorf("no warning names the variable: %s", p.Said(t))
		}
		p.Terminate(t)
	})

	t.Run("OfAFlagWinsOverAVariableAndThatOverAFile", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.New(t)}
		path := filepath.Join(s.Dir, "other.yaml")
		if err := os.WriteFile(path, []byte("log: {level: loud, format: xml}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		env := append(slices.Clone(s.Env), "POSTRIDER_LOG_LEVEL=louder", "POSTRIDER_LOG_FORMAT=json")
		complete(t, s.Dir, env, "postrider", "migrate", "status", "--config", path).want(1, "louder")
		complete(t, s.Dir, env, "postrider", "migrate", "status", "--config", path, "--log.level=warn").want(0)
	})
}
