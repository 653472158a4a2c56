package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/cli"
	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/redistest"
)

// examined runs the command, and returns what it said and its exit code.
func examined(t *testing.T, args ...string) (string, int) {
	t.Helper()
	root := newRoot()
	var out, said bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&said)
	root.SetArgs(append([]string{"doctor"}, args...))
	code := cli.Execute(t.Context(), root)
	if said.Len() > 0 {
		t.Errorf("on standard error: %s", said.String())
	}
	return out.String(), code
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t, "--maxmemory", "100mb").Addr()
	file := filepath.Join(t.TempDir(), "postrider.yaml")
	if err := os.WriteFile(file, []byte("postgres:\n  url: "+pgtest.New(t)+"\nredis:\n  url: redis://"+redis+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := []string{
		"--config", file, "--api.admin_key", "f3c1Zt0Qk6y8mB2xW9vR4sL7pN5dH1gJ",
		"--secrets.key", "q0Bz3vJ5nL8wYtR2xK7mP4sC6dF9gH1jA0eU3iO5bVM=",
	}
	t.Run("AsJSON", func(t *testing.T) {
		t.Parallel()
		out, code := examined(t, append(keys, "--json", "--connect", "--receiver", "http://127.0.0.1:9/")...)
		var r doctor.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		// The tests' Postgres syncs nothing.
		if code != 1 || r.Status != doctor.Fail {
			t.Errorf("exit code %d, %s", code, r.Status)
		}
		var failed, connected []string
		for _, f := range r.Findings {
			if f.Level == doctor.Fail {
				failed = append(failed, f.Check+": "+f.Setting)
			}
			if f.Check == "egress.connect" {
				connected = append(connected, f.Found)
			}
		}
		if got := strings.Join(failed, ", "); got != "postgres.fsync: fsync = on, postgres.full_page_writes: full_page_writes = on" {
			t.Errorf("it failed for %s", got)
		}
		if len(connected) != 1 || !strings.Contains(connected[0], "egress.allow") {
			t.Errorf("of a receiver on loopback it says %q", connected)
		}
	})
	t.Run("ForPeople", func(t *testing.T) {
		t.Parallel()
		out, code := examined(t, append(keys, "--redis.url", "redis://:hunter2@127.0.0.1:1", "--worker.concurrency", "7")...)
		if code != 1 || strings.Contains(out, "hunter2") || strings.Contains(out, "q0Bz3") || strings.Contains(out, "f3c1") {
			t.Errorf("exit code %d, and a secret may be in %s", code, out)
		}
		for _, want := range []string{"fail  redis.connection", "ok    postgres.version", "set  fsync = on", "to change\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in %s", want, out)
			}
		}
	})
	t.Run("OfABadConfiguration", func(t *testing.T) {
		t.Parallel()
		out, code := examined(t, "--json", "--worker.concurrency", "none", "--log.level", "loud")
		var r doctor.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || len(r.Findings) != 2 {
			t.Errorf("%v, exit code %d: %s", err, code, out)
		}
	})
	t.Run("OfAnAddressThatCanNotBeRead", func(t *testing.T) {
		t.Parallel()
		out, code := examined(t, "--redis.url", "redis://u:hunter/2@h")
		if code != 1 || !strings.Contains(out, "fail  config") || strings.Contains(out, "hunter") {
			t.Errorf("exit code %d: %s", code, out)
		}
	})
}
