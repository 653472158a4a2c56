package local

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// bounded is a context that ends a hanging test with a message.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Minute, fmt.Errorf("%s takes more than a minute", t.Name()))
	t.Cleanup(cancel)
	return ctx
}

// openDir is a temporary directory that the account Postgres runs as can reach,
// which t.TempDir of root is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pr-local-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	real, err := filepath.EvalSymlinks(dir)
	must(t, err)
	return filepath.Join(real, "data")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T) Binaries {
	t.Helper()
	bin, err := FindPostgres(bounded(t), Options{})
	must(t, err)
	return bin
}

// start runs a server and stops it at the end of the test.
func start(t *testing.T, cfg PostgresConfig) *Postgres {
	t.Helper()
	p, err := StartPostgres(bounded(t), find(t), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, p.Stop(bounded(t))) })
	return p
}

// query runs one statement that returns one text.
func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	ctx := bounded(t)
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	defer conn.Close(ctx)
	var text string
	must(t, conn.QueryRow(ctx, sql).Scan(&text))
	return text
}

// keep stores a text in a table named kept.
func keep(t *testing.T, dsn, text string) {
	t.Helper()
	ctx := bounded(t)
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE kept AS SELECT '"+text+"' AS text")
	must(t, err)
}

// helper is a process of this test binary that serves a Postgres.
type helper struct {
	cmd         *exec.Cmd
	stdin       io.WriteCloser
	postgresPid int
	dsn         string
}

// startHelper starts it as acct, which may be any account if we are root.
func startHelper(t *testing.T, acct account, dir string) *helper {
	t.Helper()
	cmd := exec.Command(reachableBinary(t))
	cmd.Env = append(os.Environ(), helperEnv+"="+dir, "HOME="+filepath.Dir(dir), "XDG_CACHE_HOME="+filepath.Dir(dir))
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = acct.attr()
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, by us or by the test
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	h := &helper{cmd: cmd, stdin: stdin}
	_, err = fmt.Sscan(line, &h.postgresPid, &h.dsn)
	must(t, err)
	return h
}

// reachableBinary is a copy of the test binary that every user can run.
func reachableBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(openDir(t)), "helper")
	self, err := os.Executable()
	must(t, err)
	// Not written here: whoever is forked meanwhile would have the file open for
	// writing, and it could not be run ("text file busy").
	must(t, exec.Command("cp", self, path).Run())
	must(t, os.Chmod(path, 0o755))
	return path
}

// eventually polls until done, and fails the test if that never comes.
func eventually(t *testing.T, claim string, done func() bool) {
	t.Helper()
	poll(bounded(t), 30*time.Second, done)
	if !done() {
		t.Fatalf("never: %s", claim)
	}
}
