package stack

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/local"
)

// data is Postgres's own directory.
func (p *Postgres) data(t testing.TB) string { return Ask[string](t, p.URL, "SHOW data_directory") }

// own gives a directory to whom the server runs as.
func (p *Postgres) own(t testing.TB, dir string) {
	t.Helper()
	info, err := os.Stat(p.data(t))
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, int(owner.Uid), int(owner.Gid)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Standby starts a server that follows this one and can be read.
func (p *Postgres) Standby(t testing.TB) *Postgres {
	t.Helper()
	s := &Postgres{bin: p.bin, cfg: local.PostgresConfig{DataDir: filepath.Join(Dir(t), "data"), Settings: p.cfg.Settings}}
	if err := os.Mkdir(s.cfg.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.tool(t, "pg_basebackup", "-D", filepath.Join(s.cfg.DataDir, "postgres"), "-R", "-c", "fast", "-N")
	p.own(t, s.cfg.DataDir)
	s.open(t)
	return s
}

// Caught waits until the standby has all that was committed.
func (p *Postgres) Caught(t testing.TB, standby *Postgres) {
	t.Helper()
	at := Ask[string](t, p.URL, "SELECT pg_current_wal_lsn()::text")
	Eventually(t, "the standby has all that was committed", func() bool {
		return Ask[bool](t, standby.URL, "SELECT pg_last_wal_replay_lsn() >= '"+at+"'::pg_lsn")
	})
}

// Promote makes the primary of a standby.
func (p *Postgres) Promote(t testing.TB) { SQL(t, p.URL, "SELECT pg_promote()") }

// Either is a URL that leads to one of the servers.
func Either(t testing.TB, servers ...*Postgres) string {
	t.Helper()
	var hosts, ports []string
	for _, p := range servers {
		u, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		hosts, ports = append(hosts, u.Query().Get("host")), append(ports, u.Query().Get("port"))
	}
	u, err := url.Parse(servers[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"host": {strings.Join(hosts, ",")}, "port": {strings.Join(ports, ",")}}.Encode()
	return u.String()
}

// Linger asks the server to end once nobody is connected any more, and keeps a
// connection open until end is called: it takes no new ones meanwhile (57P03).
func (p *Postgres) Linger(t testing.TB) (end func()) {
	t.Helper()
	pid := Ask[int](t, p.URL, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int")
	conn := connect(t, p.URL)
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// It hears of that in a moment: who is cut off before would be let in again.
	Eventually(t, "nobody is let in", func() bool {
		another, err := pgx.Connect(t.Context(), p.URL)
		if err == nil {
			_ = another.Close(t.Context())
		}
		return err != nil
	})
	if _, err := conn.Exec(t.Context(), cutOff); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
		<-p.server.Done()
		p.Kill(t) // only the lock on its directory is left
	}
}
