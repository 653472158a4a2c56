package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/local"
	"github.com/postrider/postrider/internal/redistest"
)

// dataDir is Postgres's, within the stack's directory.
const dataDir = "data"

// roles are the programs under test, in the order of the report.
var roles = [...]string{"api", "worker", "scheduler"}

// stack is the system under test.
type stack struct {
	dir      string
	postgres *local.Postgres
	// binaries are Postgres's programs, redisServer is Redis's.
	binaries    local.Binaries
	redisServer string
	redisURL    string
	redis       *redis.Client
	processes   map[string]*process
	metrics     map[string]string // base URL of each role's metrics listener
	apiURL      string
	adminKey    string

	teardown []func(context.Context) error
}

// startStack brings everything up. On an error it takes down what ran.
func startStack(ctx context.Context, o options, progress io.Writer) (*stack, error) {
	s := &stack{processes: map[string]*process{}, metrics: map[string]string{}, adminKey: "bench-" + rand.Text()}
	err := errors.Join(s.makeDir(o.dir), ctx.Err())
	for _, step := range []func() error{
		func() error { return s.startPostgres(ctx, o.settings, progress) },
		func() error { return s.startRedis(ctx) },
		func() error { return s.startRoles(ctx, o.bin) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.stop(ctx))
	}
	return s, nil
}

func (s *stack) add(end func(context.Context) error) { s.teardown = append(s.teardown, end) }

// stop takes everything down, last in first out, also after an interrupt.
func (s *stack) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	var errs error
	for i := len(s.teardown) - 1; i >= 0; i-- {
		errs = errors.Join(errs, s.teardown[i](ctx))
	}
	s.teardown = nil
	return errs
}

func (s *stack) makeDir(parent string) error {
	dir, err := os.MkdirTemp(parent, "postrider-bench-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	s.dir = dir
	s.add(func(context.Context) error { return os.RemoveAll(dir) })
	// Postgres may run as another user, who has to get through.
	return os.Chmod(dir, 0o755)
}

// startPostgres starts a server that syncs every commit, with initdb's settings
// but for what o adds.
func (s *stack) startPostgres(ctx context.Context, extra map[string]string, progress io.Writer) (err error) {
	if s.binaries, err = local.FindPostgres(ctx, local.Options{Output: progress}); err != nil {
		return err
	}
	s.postgres, err = local.StartPostgres(ctx, s.binaries, local.PostgresConfig{
		DataDir: filepath.Join(s.dir, dataDir), Settings: extra,
	})
	if err != nil {
		return err
	}
	s.add(s.postgres.Stop)
	return nil
}

// startRedis starts a server that keeps nothing on disk: all in it can be
// rebuilt from Postgres.
func (s *stack) startRedis(ctx context.Context) (err error) {
	if s.redisServer, err = redistest.Find(ctx); err != nil {
		return err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	p, err := startProcess("redis", s.dir, os.Environ(), s.redisServer, "--bind", "127.0.0.1", "--port", port,
		"--dir", s.dir, "--save", "", "--appendonly", "no", "--logfile", "", "--daemonize", "no")
	if err != nil {
		return err
	}
	s.processes["redis"] = p
	s.add(func(ctx context.Context) error { p.stop(ctx); return nil })
	s.redisURL = "redis://" + addr + "/0"
	s.redis = redis.NewClient(&redis.Options{Addr: addr})
	s.add(func(context.Context) error { return s.redis.Close() })
	return p.wait(ctx, func(ctx context.Context) error { return s.redis.Ping(ctx).Err() })
}

// startRoles migrates, then starts API, worker and scheduler.
func (s *stack) startRoles(ctx context.Context, bin string) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	env, err := s.environ(ctx)
	if err != nil {
		return err
	}
	migrate := exec.CommandContext(ctx, filepath.Join(bin, "postrider"), "migrate", "up")
	migrate.Dir, migrate.Env = s.dir, env
	if said, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %s", err, said)
	}
	for _, role := range roles {
		addr, err := freeAddr(ctx)
		if err != nil {
			return err
		}
		p, err := startProcess(role, s.dir, append(env, "POSTRIDER_METRICS_LISTEN="+addr), filepath.Join(bin, role))
		if err != nil {
			return err
		}
		s.processes[role], s.metrics[role] = p, "http://"+addr
		s.add(func(ctx context.Context) error { p.stop(ctx); return nil })
	}
	for _, role := range roles {
		if err := s.processes[role].wait(ctx, answers(s.metrics[role]+"/readyz")); err != nil {
			return err
		}
	}
	return s.processes["api"].wait(ctx, answers(s.apiURL+"/healthz"))
}

// environ is the configuration: defaults, but for addresses, keys and the
// permission to deliver on loopback.
func (s *stack) environ(ctx context.Context) ([]string, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s.apiURL = "http://" + addr
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "POSTRIDER_") {
			env = append(env, pair)
		}
	}
	return append(env,
		"POSTRIDER_POSTGRES_URL="+s.postgres.DSN(""), "POSTRIDER_REDIS_URL="+s.redisURL,
		"POSTRIDER_API_LISTEN="+addr, "POSTRIDER_API_ADMIN_KEY="+s.adminKey,
		"POSTRIDER_SECRETS_KEY="+base64.StdEncoding.EncodeToString(key),
		"POSTRIDER_EGRESS_ALLOW=127.0.0.0/8"), nil
}

// Ports below those that the kernel hands out for outgoing connections.
const firstPort, ports = 10000, 22000

// freeAddr is a loopback address that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	var errs error
	for range 20 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+mathrand.IntN(ports)))
		lis, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err == nil {
			return addr, lis.Close()
		}
		errs = errors.Join(errs, err)
	}
	return "", errs
}
