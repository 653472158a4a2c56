package receivers

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

// TestPageCommands types what the page says about one's own machine.
func TestPageCommands(t *testing.T) {
	t.Parallel()
	code := page(t)
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	c := s.Workspace(t, api)
	_, port, err := net.SplitHostPort(stack.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	here := t.TempDir()
	if err := os.Mkdir(filepath.Join(here, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"examples": filepath.Dir(example(t, "")), "bin/postrider": stack.Program(t, "postrider")} {
		if err := os.Symlink(target, filepath.Join(here, name)); err != nil {
			t.Fatal(err)
		}
	}
	const listens = "until curl -s -o /dev/null http://127.0.0.1:4000; do sleep 0.1; done\n"
	const handled = "\nuntil grep -q 'handled post.created evt_local1' said; do sleep 0.1; done\n"
	typed := "exec >said 2>&1\ntrap 'kill $!' EXIT\n" +
		strings.Replace(code.get(t, "local.sh"), "receiver.js &\n", "receiver.js &\n"+listens, 1) + "\n" + code.get(t, "forge.sh") + handled
	env := append(stack.CleanEnv(), "KEY="+c.Key(), "URL="+api.URL, "TMPDIR="+t.TempDir())
	pinned.Run(t, here, env, "sh", "-e", script(t, "typed.sh", strings.ReplaceAll(typed, "4000", port)))
	c.WaitSettled(t)
	said, err := os.ReadFile(filepath.Join(here, "said"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"deliveries":1`, `"success":true`, `"ok":true`, "refuses a wrong signature", "\n204\n", "handled webhook.test"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("nothing said %q:\n%s", want, said)
		}
	}
	if n := len(c.WithStatus(t, "success")); n != 1 {
		t.Errorf("%d deliveries succeeded, want that of postrider send", n)
	}
}

// TestPageInbox runs the page's SQL: an event that comes twice is there once, and two
// workers take different ones.
func TestPageInbox(t *testing.T) {
	t.Parallel()
	statements := strings.Split(strings.TrimSuffix(page(t).get(t, "inbox.sql"), ";"), ";\n")
	if len(statements) != 4 {
		t.Fatalf("the page has %d statements, want 4", len(statements))
	}
	table, note, take, done := statements[0], statements[1], statements[2], statements[3]
	url := pgtest.New(t)
	begin := func() pgx.Tx {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	exec := func(tx pgx.Tx, sql string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	taken := func(tx pgx.Tx) (id string) {
		t.Helper()
		err := tx.QueryRow(t.Context(), take).Scan(&id, nil)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
		return id
	}
	commit := func(tx pgx.Tx) {
		t.Helper()
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	setUp := begin()
	exec(setUp, table)
	commit(setUp)
	for _, id := range []string{"evt_1", "evt_2", "evt_1"} {
		tx := begin()
		exec(tx, note, id, []byte("{}"))
		commit(tx)
	}
	one, two := begin(), begin()
	if a, b, c := taken(one), taken(two), taken(begin()); a != "evt_1" || b != "evt_2" || c != "" {
		t.Errorf("three workers took %q, %q and %q", a, b, c)
	}
	exec(one, done, "evt_1")
	commit(one)
	if err := two.Rollback(t.Context()); err != nil { // its worker died
		t.Fatal(err)
	}
	if id := taken(begin()); id != "evt_2" {
		t.Errorf("the next one took %q", id)
	}
}
