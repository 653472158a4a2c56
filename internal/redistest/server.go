package redistest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/local"
)

// Server is a redis-server of one test, on a loopback port that stays the same
// when it is stopped and started. It ends with the test, or with this process.
type Server struct {
	program string
	dir     string
	addr    string
	file    string // of its configuration, or ""
	// args are of the command line, for a port.
	args  func(port int) []string
	tls   *tls.Config // of connections to it; nil is none
	child *local.Child
}

// New starts an empty server. It saves nothing by itself, so that a restart
// loses everything, unless Save was called before. args are options of
// redis-server's command line.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, &Server{args: func(port int) []string {
		return append([]string{"--port", strconv.Itoa(port)}, args...)
	}})
}

// start starts a server that has its args.
func start(t testing.TB, s *Server) *Server {
	t.Helper()
	program, err := findOnce()
	if err != nil {
		t.Fatal(err)
	}
	s.program, s.dir = program, t.TempDir()
	t.Cleanup(s.Stop)
	if err := s.startOnFreePort(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Ports below those that the kernel hands out by itself, so that nobody gets
// ours while the server is stopped.
const firstPort, ports = 10000, 22000

// startOnFreePort tries ports until one is free.
func (s *Server) startOnFreePort() error {
	var errs error
	for range 10 {
		s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(ports)))
		err := s.Start()
		if err == nil {
			return nil
		}
		errs = errors.Join(errs, err)
	}
	return errs
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// Port is Addr's.
func (s *Server) Port() int {
	addr, _ := netip.ParseAddrPort(s.addr) // ours: it can be read
	return int(addr.Port())
}

// Start runs the server and returns once it answers, with what Save wrote. It
// does nothing if the server runs.
func (s *Server) Start() error {
	if s.running() {
		return nil
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("open redis-server's log: %w", err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(s.program, s.commandLine()...)
	cmd.Stdout, cmd.Stderr = log, log
	child, err := local.StartChild(cmd)
	if err != nil {
		return err
	}
	s.child = child
	if err := s.ready(); err != nil {
		s.Stop()
		said, readErr := os.ReadFile(log.Name())
		return errors.Join(fmt.Errorf("start redis-server on %s: %w: %s", s.addr, err, said), readErr)
	}
	return nil
}

func (s *Server) commandLine() []string {
	all := []string{"--bind", "127.0.0.1", "--dir", s.dir, "--logfile", "", "--daemonize", "no"}
	if s.file != "" {
		return slices.Concat([]string{s.file}, all, s.args(s.Port()))
	}
	return slices.Concat(all, []string{"--save", "", "--appendonly", "no"}, s.args(s.Port()))
}

// running reports whether there is a server that has not ended.
func (s *Server) running() bool {
	if s.child == nil {
		return false
	}
	select {
	case <-s.child.Done():
		return false
	default:
		return true
	}
}

// ready waits until our own child answers, and not whoever else has the port.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	pid := fmt.Sprintf("process_id:%d\r\n", s.child.Pid())
	for {
		var info string
		err := s.do(func(c *redis.Client) (err error) {
			info, err = c.Info(ctx, "server").Result()
			return err
		})
		if err == nil && strings.Contains(info, pid) {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.child.Done():
			return fmt.Errorf("it ended at once: %w", s.child.Err())
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// Stop kills the server, as a crash would. It can be called again.
func (s *Server) Stop() {
	if s.child != nil {
		s.child.Stop(context.Background(), 0)
	}
}

// Save writes a snapshot, which every later Start loads: a Redis that comes back
// from an old one.
func (s *Server) Save(ctx context.Context) error {
	return s.do(func(c *redis.Client) error { return c.Save(ctx).Err() })
}

// FlushAll forgets everything.
func (s *Server) FlushAll(ctx context.Context) error {
	return s.do(func(c *redis.Client) error { return c.FlushAll(ctx).Err() })
}

// Set changes a setting of the running server, as CONFIG SET does.
func (s *Server) Set(ctx context.Context, name, value string) error {
	return s.do(func(c *redis.Client) error { return c.ConfigSet(ctx, name, value).Err() })
}

// Do runs one command of the test's on a connection of its own.
func (s *Server) Do(t testing.TB, command func(ctx context.Context, c *redis.Client) error) {
	t.Helper()
	if err := s.do(func(c *redis.Client) error { return command(t.Context(), c) }); err != nil {
		t.Fatalf("redis-server on %s: %v", s.addr, err)
	}
}

// do runs one command on a connection of its own, without retries.
func (s *Server) do(command func(*redis.Client) error) error {
	client := redis.NewClient(&redis.Options{Addr: s.addr, TLSConfig: s.tls, MaxRetries: -1, PoolSize: 1, DisableIdentity: true})
	return errors.Join(command(client), client.Close())
}
