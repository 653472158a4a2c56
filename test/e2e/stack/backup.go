package stack

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/postrider/postrider/internal/local"
)

// Archive is a directory that the server can write to, and the settings by which it
// keeps its log there.
func Archive(t testing.TB) (dir string, settings map[string]string) {
	t.Helper()
	dir = Dir(t)
	if err := os.Chmod(dir, 0o777); err != nil { // the server may be another user
		t.Fatal(err)
	}
	return dir, map[string]string{"archive_mode": "on", "archive_command": "cp %p " + dir + "/%f"}
}

// BaseBackup copies the server's files while it works, with the log that they need.
func (p *Postgres) BaseBackup(t testing.TB) (dir string) {
	t.Helper()
	dir = filepath.Join(Dir(t), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.tool(t, "pg_basebackup", "-D", filepath.Join(dir, "postgres"), "-c", "fast", "-X", "stream")
	p.own(t, dir)
	return dir
}

// RestorePoint names this moment, and waits until the archive has all before it.
func (p *Postgres) RestorePoint(t testing.TB, name string) {
	t.Helper()
	SQL(t, p.URL, "SELECT pg_create_restore_point('"+name+"')")
	segment := Ask[string](t, p.URL, "SELECT pg_walfile_name(pg_switch_wal())")
	Eventually(t, "the archive has "+segment, func() bool {
		return Ask[bool](t, p.URL, "SELECT coalesce(last_archived_wal >= '"+segment+"', false) FROM pg_stat_archiver")
	})
}

// Recover starts a server on a base backup of this one and the archive, as they were
// at the restore point.
func (p *Postgres) Recover(t testing.TB, backup, archive, point string) *Postgres {
	t.Helper()
	r := &Postgres{bin: p.bin, cfg: local.PostgresConfig{DataDir: backup, Settings: map[string]string{
		"fsync": "off", "restore_command": "cp " + archive + "/%f %p", "recovery_target_name": point, "recovery_target_action": "promote",
	}}}
	signal := filepath.Join(backup, "postgres", "recovery.signal")
	if err := os.WriteFile(signal, nil, 0o644); err != nil { // the server may be another user
		t.Fatal(err)
	}
	r.open(t)
	Eventually(t, "the server has recovered", func() bool { return !Ask[bool](t, r.URL, "SELECT pg_is_in_recovery()") })
	return r
}

// Dump writes the database, as it is at one moment, to a file.
func (p *Postgres) Dump(t testing.TB) (file string) {
	t.Helper()
	file = filepath.Join(Dir(t), "postrider.dump")
	p.tool(t, "pg_dump", "-Fc", "-f", file, "-d", "postrider")
	return file
}

// Restore starts a server of its own with what Dump wrote.
func (p *Postgres) Restore(t testing.TB, dump string) *Postgres {
	t.Helper()
	r := &Postgres{bin: p.bin, cfg: local.PostgresConfig{DataDir: filepath.Join(Dir(t), "data"), Settings: maps.Clone(p.cfg.Settings)}}
	r.open(t)
	r.tool(t, "pg_restore", "--exit-on-error", "-d", "postrider", dump)
	return r
}

// tool runs one of Postgres's programs against the server.
func (p *Postgres) tool(t testing.TB, name string, args ...string) {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	cmd := exec.Command(filepath.Join(p.bin.Dir, name), append([]string{"-h", q.Get("host"), "-p", q.Get("port"), "-U", u.User.Username()}, args...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, said)
	}
}
