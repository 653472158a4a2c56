package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// superuser owns everything in the private server.
const superuser = "postgres"

// PostgresConfig says where and how the private server runs.
type PostgresConfig struct {
	// DataDir keeps the data. Default: DefaultDataDir().
	DataDir string
	// Database is made if it is missing. Default "postrider".
	Database string
	// Disposable is for tests: nothing is synced to disk, and data that the
	// server doesn't open, or that another version made, is thrown away.
	Disposable bool
	// Settings are added to the server's configuration, by name.
	Settings map[string]string
	// Logger gets a line at start and stop. Default: nothing.
	Logger *slog.Logger
}

func (cfg *PostgresConfig) setDefaults() error {
	if cfg.DataDir == "" {
		dir, err := DefaultDataDir()
		if err != nil {
			return err
		}
		cfg.DataDir = dir
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return fmt.Errorf("find data directory %s: %w", cfg.DataDir, err)
	}
	cfg.DataDir = dir
	if cfg.Database == "" {
		cfg.Database = "postrider"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Postgres is a running private server. It listens on a unix socket only, in a
// directory that is closed to other users.
type Postgres struct {
	cluster  cluster
	cfg      PostgresConfig
	lock     *os.File
	child    *Child
	stopping atomic.Bool
}

// StartPostgres makes the data directory if need be, stops a server that was
// left over in it, and returns once the new one takes connections. The error is
// ErrInUse while another process has a server there.
func StartPostgres(ctx context.Context, bin Binaries, cfg PostgresConfig) (*Postgres, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	acct, err := currentAccount()
	if err != nil {
		return nil, err
	}
	dir := layout(cfg.DataDir)
	if err := acct.mkdir(cfg.DataDir); err != nil {
		return nil, err
	}
	lock, err := dir.acquire()
	if err != nil {
		return nil, err
	}
	p := &Postgres{
		cluster: cluster{layout: dir, acct: acct, bin: bin, disposable: cfg.Disposable},
		cfg:     cfg,
		lock:    lock,
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Postgres in %s: %w", cfg.DataDir, err), lock.Close())
	}
	cfg.Logger.InfoContext(ctx, "postgres started", "data_dir", cfg.DataDir, "version", bin.Major, "pid", p.child.Pid())
	return p, nil
}

// start brings the server up; what is disposable gets a second try from scratch.
func (p *Postgres) start(ctx context.Context) error {
	if err := stopOrphan(ctx, p.cluster.layout.cluster()); err != nil {
		return err
	}
	if err := p.cluster.layout.makeSocketDir(p.cluster.acct); err != nil {
		return err
	}
	if err := p.cluster.prepare(ctx); err != nil {
		return err
	}
	err := p.launch(ctx)
	if err == nil || !p.cfg.Disposable || ctx.Err() != nil {
		return err
	}
	if wipeErr := p.cluster.wipe(); wipeErr != nil {
		return errors.Join(err, wipeErr)
	}
	if err := p.cluster.create(ctx); err != nil {
		return err
	}
	return p.launch(ctx)
}

// command is the server's command line.
func (p *Postgres) command(log *os.File) *exec.Cmd {
	l := p.cluster.layout
	args := []string{"-D", l.cluster(), "-p", "5432"}
	set := func(name, value string) { args = append(args, "-c", name+"="+value) }
	set("listen_addresses", "")
	set("unix_socket_directories", `"`+l.socketDir()+`"`)
	set("unix_socket_permissions", "0700")
	set("logging_collector", "off")
	set("log_checkpoints", "off")
	set("timezone", "UTC")
	set("jit", "off")
	if p.cfg.Disposable {
		// A commit still survives the server's death: the kernel has it.
		set("fsync", "off")
		set("full_page_writes", "off")
	}
	for name, value := range p.cfg.Settings {
		set(name, value)
	}
	cmd := exec.Command(p.cluster.bin.Postgres(), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", childEnv(), p.cluster.acct.attr()
	cmd.Stdout, cmd.Stderr = log, log
	return cmd
}

// SocketDir is where the socket is: what psql takes as -h.
func (p *Postgres) SocketDir() string { return p.cluster.layout.socketDir() }

// DSN is the connection string of a database of the server; "" means the
// configured one. It stays the same across restarts in the same directory.
func (p *Postgres) DSN(database string) string {
	if database == "" {
		database = p.cfg.Database
	}
	query := url.Values{"host": {p.SocketDir()}, "port": {"5432"}}
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// Stop shuts the server down: connections are cut, what is committed is on disk.
// When ctx ends first, the server stops at once and recovers at its next start.
// It can be called again.
func (p *Postgres) Stop(ctx context.Context) error {
	return p.end(ctx, syscall.SIGINT, syscall.SIGQUIT)
}

// Kill ends the server as a crash would, for tests. It can be called again, and
// Stop after it.
func (p *Postgres) Kill(ctx context.Context) error { return p.end(ctx) }

func (p *Postgres) end(ctx context.Context, signals ...os.Signal) error {
	again := p.stopping.Swap(true)
	p.child.Stop(ctx, 30*time.Second, signals...)
	if again {
		return nil
	}
	p.cfg.Logger.InfoContext(ctx, "postgres stopped", "data_dir", p.cfg.DataDir)
	if err := p.lock.Close(); err != nil {
		return fmt.Errorf("release data directory: %w", err)
	}
	return nil
}

// Done is closed once the server has ended.
func (p *Postgres) Done() <-chan struct{} { return p.child.Done() }

// Wait waits for the server's end. It returns nil after Stop, and otherwise why
// the server ended by itself.
func (p *Postgres) Wait() error {
	err := p.child.Err()
	if p.stopping.Load() {
		return nil
	}
	return errors.Join(fmt.Errorf("server in %s ended by itself: %s", p.cfg.DataDir, p.logTail()), err)
}

// logTail is the end of what the server said, for an error message.
func (p *Postgres) logTail() string {
	raw, err := os.ReadFile(p.cluster.layout.log())
	if err != nil {
		return err.Error()
	}
	return tail(raw)
}
