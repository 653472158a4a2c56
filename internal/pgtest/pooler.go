package pgtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/local"
)

// PoolerPackage is PgBouncer under its name in each package manager.
var PoolerPackage = local.Package{Apt: "pgbouncer", Dnf: "pgbouncer", Apk: "pgbouncer", Brew: "pgbouncer"}

// findPooler is state of the package so that parallel tests don't install it at the
// same time.
var findPooler = sync.OnceValues(func() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := local.Install(ctx, os.Stderr, PoolerPackage); err != nil {
		return "", fmt.Errorf("no pgbouncer on PATH; install it with: %s (tried by ourselves: %w)", PoolerPackage.Hint(), err)
	}
	return exec.LookPath("pgbouncer")
})

// Pooler is a PgBouncer in transaction mode, of one test, on a loopback port that
// stays the same when it is stopped and started. It refuses what it does not know,
// as it does when nobody has configured more than the addresses.
type Pooler struct {
	program, dir, server string
	settings             map[string]string
	addr                 string
	child                *local.Child
}

// NewPooler starts one before the server of a connection string. settings are added
// to its configuration.
func NewPooler(t testing.TB, dsn string, settings map[string]string) *Pooler {
	t.Helper()
	program, err := findPooler()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "postrider-pooler-") // t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what stays is in the temporary directory
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "run"), 0o777); err != nil { // whatever the umask says
		t.Fatal(err)
	}
	p := &Pooler{program: program, dir: dir, server: dsn, settings: settings}
	t.Cleanup(p.Stop)
	if err := p.startOnFreePort(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Through is a database's connection string through the pooler.
func (p *Pooler) Through(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err) // this package makes URLs
	}
	u.Host, u.RawQuery = p.addr, "sslmode=disable"
	return u.String()
}

// Socket is its own socket's file.
func (p *Pooler) Socket() string {
	_, port, _ := net.SplitHostPort(p.addr) // startOnFreePort made it
	return filepath.Join(p.dir, "run", ".s.PGSQL."+port)
}

// Admin is the connection string of its console.
func (p *Pooler) Admin() string { return withDatabase(p.Through(p.server), "pgbouncer") }

// Ports below those that the kernel hands out by itself, so that nobody gets
// ours while the pooler is stopped.
const firstPort, ports = 10000, 22000

func (p *Pooler) startOnFreePort() error {
	var errs error
	for range 10 {
		p.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(ports)))
		err := p.Start()
		if err == nil {
			return nil
		}
		errs = errors.Join(errs, err)
	}
	return errs
}

// Start runs the pooler and returns once it answers.
func (p *Pooler) Start() error {
	conf := filepath.Join(p.dir, "pgbouncer.ini")
	if err := os.WriteFile(conf, []byte(p.configuration()), 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(p.program, conf)
	if err := local.Unprivileged(cmd); err != nil {
		return err
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	if p.child, err = local.StartChild(cmd); err != nil {
		return err
	}
	if err := p.answers(); err != nil {
		p.Stop()
		said, _ := os.ReadFile(log.Name()) // only for the message
		return fmt.Errorf("pgbouncer on %s: %w: %s", p.addr, err, said)
	}
	return nil
}

func (p *Pooler) configuration() string {
	u, err := url.Parse(p.server)
	if err != nil {
		panic(err) // this package makes URLs
	}
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		panic(err) // startOnFreePort made it
	}
	all := map[string]string{
		"pool_mode": "transaction", "listen_addr": host, "listen_port": port, "unix_socket_dir": filepath.Join(p.dir, "run"),
		"auth_type": "any", "max_client_conn": "1000", "admin_users": u.User.Username(),
	}
	maps.Copy(all, p.settings)
	var b strings.Builder
	fmt.Fprintf(&b, "[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\n", u.Query().Get("host"), u.Query().Get("port"), u.User.Username())
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s = %s\n", name, all[name])
	}
	return b.String()
}

func (p *Pooler) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cfg, err := pgx.ParseConfig(p.Admin())
	if err != nil {
		return err
	}
	for {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.child.Done():
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the pooler at once, with all connections through it.
func (p *Pooler) Stop() {
	if p.child != nil {
		p.child.Stop(context.Background(), 10*time.Second, syscall.SIGTERM)
	}
}
