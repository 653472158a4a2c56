package local

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestPostgres(t *testing.T) {
	t.Parallel()

	t.Run("KeepsDataAcrossRestart", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := start(t, PostgresConfig{DataDir: dir})
		keep(t, first.DSN(""), "still here")
		must(t, first.Stop(bounded(t)))
		must(t, first.Wait())

		second := start(t, PostgresConfig{DataDir: dir})
		if got := query(t, second.DSN(""), "SELECT text FROM kept"); got != "still here" {
			t.Errorf("after restart: %q", got)
		}
		if first.DSN("") != second.DSN("") {
			t.Errorf("DSN changed from %s to %s", first.DSN(""), second.DSN(""))
		}
	})

	t.Run("KeepsCommitsWhenKilled", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := start(t, PostgresConfig{DataDir: dir, Disposable: true})
		keep(t, first.DSN(""), "committed")
		must(t, first.Kill(bounded(t)))

		second := start(t, PostgresConfig{DataDir: dir, Disposable: true})
		if got := query(t, second.DSN(""), "SELECT text FROM kept"); got != "committed" {
			t.Errorf("after the crash: %q", got)
		}
	})

	t.Run("SyncsUnlessDisposable", func(t *testing.T) {
		t.Parallel()
		for disposable, want := range map[bool]string{false: "on", true: "off"} {
			p := start(t, PostgresConfig{DataDir: openDir(t), Disposable: disposable})
			if got := query(t, p.DSN(""), "SHOW fsync"); got != want {
				t.Errorf("disposable %v: fsync is %s", disposable, got)
			}
			if got := query(t, p.DSN(""), "SHOW synchronous_commit"); got != "on" {
				t.Errorf("disposable %v: synchronous_commit is %s", disposable, got)
			}
		}
	})

	t.Run("IsClosedToOthers", func(t *testing.T) {
		t.Parallel()
		p := start(t, PostgresConfig{DataDir: openDir(t), Disposable: true})
		info, err := os.Stat(p.SocketDir())
		must(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("socket directory has mode %v", info.Mode())
		}
		if got := query(t, p.DSN(""), "SHOW listen_addresses"); got != "" {
			t.Errorf("listens on %q", got)
		}
	})

	t.Run("StartsBelowALongPath", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(openDir(t), strings.Repeat("long/", 20))
		t.Cleanup(func() { must(t, os.Remove(layout(dir).socketDir())) })
		p := start(t, PostgresConfig{DataDir: dir, Disposable: true})
		if n := len(filepath.Join(p.SocketDir(), socketFile)); n > maxSocketPath {
			t.Errorf("socket path has %d bytes", n)
		}
		query(t, p.DSN(""), "SELECT ''")
	})

	t.Run("StopsTwice", func(t *testing.T) {
		t.Parallel()
		p := start(t, PostgresConfig{DataDir: openDir(t), Disposable: true})
		must(t, p.Stop(bounded(t)))
		must(t, p.Stop(bounded(t)))
	})

	t.Run("TellsWhyItEndedByItself", func(t *testing.T) {
		t.Parallel()
		p := start(t, PostgresConfig{DataDir: openDir(t), Disposable: true})
		must(t, syscall.Kill(p.child.Pid(), syscall.SIGQUIT))
		<-p.Done()
		if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "immediate shutdown") {
			t.Errorf("got %v", err)
		}
	})

	t.Run("TellsWhyItDoesNotStart", func(t *testing.T) {
		t.Parallel()
		_, err := StartPostgres(bounded(t), find(t), PostgresConfig{DataDir: openDir(t), Settings: map[string]string{"no_such": "1"}})
		if err == nil || !strings.Contains(err.Error(), "no_such") {
			t.Errorf("got %v", err)
		}
	})
}

func TestDataDir(t *testing.T) {
	t.Parallel()

	t.Run("ServesOneProcessAtATime", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		p := start(t, PostgresConfig{DataDir: dir, Disposable: true})
		_, err := StartPostgres(bounded(t), find(t), PostgresConfig{DataDir: dir, Disposable: true})
		if !errors.Is(err, ErrInUse) {
			t.Errorf("second start: %v", err)
		}
		query(t, p.DSN(""), "SELECT ''")
	})

	t.Run("StopsAServerThatOutlivedItsProcess", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		orphan := start(t, PostgresConfig{DataDir: dir, Disposable: true})
		keep(t, orphan.DSN(""), "from the orphan")
		// Without its lock it is what a killed process leaves where the
		// kernel doesn't end it.
		must(t, orphan.lock.Close())
		orphan.stopping.Store(true)

		p := start(t, PostgresConfig{DataDir: dir, Disposable: true})
		if got := query(t, p.DSN(""), "SELECT text FROM kept"); got != "from the orphan" {
			t.Errorf("got %q", got)
		}
		must(t, orphan.Wait())
	})

	t.Run("LeavesAnotherProcessWithTheStalePidAlone", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		must(t, start(t, PostgresConfig{DataDir: dir}).Stop(bounded(t)))
		// A Postgres on other data, the nearest thing to ours.
		other := start(t, PostgresConfig{DataDir: openDir(t), Disposable: true})
		cluster := layout(dir).cluster()
		pid := strconv.Itoa(other.child.Pid())
		must(t, os.WriteFile(filepath.Join(cluster, "postmaster.pid"), []byte(pid+"\n"+cluster+"\n"), 0o600))

		query(t, start(t, PostgresConfig{DataDir: dir}).DSN(""), "SELECT ''")
		query(t, other.DSN(""), "SELECT ''")
	})

	t.Run("KeepsDataOfAnotherVersion", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		version := filepath.Join(dir, "postgres", "PG_VERSION")
		must(t, os.MkdirAll(filepath.Dir(version), 0o755))
		must(t, os.WriteFile(version, []byte("13\n"), 0o600))
		must(t, os.Chmod(dir, 0o755))

		_, err := StartPostgres(bounded(t), find(t), PostgresConfig{DataDir: dir})
		if err == nil || !strings.Contains(err.Error(), "made by Postgres 13") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(version); err != nil {
			t.Errorf("data is gone: %v", err)
		}
		query(t, start(t, PostgresConfig{DataDir: dir, Disposable: true}).DSN(""), "SELECT ''")
	})

	t.Run("IsMadeAnewOnlyIfDisposable", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		must(t, start(t, PostgresConfig{DataDir: dir}).Stop(bounded(t)))
		control := filepath.Join(layout(dir).cluster(), "global", "pg_control")
		must(t, os.WriteFile(control, []byte("broken"), 0o600))

		if _, err := StartPostgres(bounded(t), find(t), PostgresConfig{DataDir: dir}); err == nil {
			t.Error("started on broken data")
		}
		if raw, err := os.ReadFile(control); err != nil || string(raw) != "broken" {
			t.Errorf("broken data was touched: %q %v", raw, err)
		}
		query(t, start(t, PostgresConfig{DataDir: dir, Disposable: true}).DSN(""), "SELECT ''")
	})

	t.Run("IsOneForEachWorkingDirectory", func(t *testing.T) {
		t.Parallel()
		a, b := dirName("/home/ann/shop"), dirName("/home/bob/shop")
		if a == b || a != dirName("/home/ann/shop") || !strings.HasPrefix(a, "dev-shop-") {
			t.Errorf("%s and %s", a, b)
		}
		if long := dirName("/" + strings.Repeat("ä long name", 20)); len(long) > 40 {
			t.Errorf("%s is long", long)
		}
	})
}
