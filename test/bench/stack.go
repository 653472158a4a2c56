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
	"slices"
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
	// bin is the directory of the programs under test, env their configuration.
	bin string
	env []string

	teardown []func(context.Context) error
}

// startStack brings everything up. On an error it takes down what ran.
func startStack(ctx context.Context, o options, progress io.Writer) (*stack, error) {
	s := &stack{processes: map[string]*process{}, metrics: map[string]string{}, adminKey: "bench-" + rand.Text()}
	err := errors.Join(s.makeDir(o.dir), ctx.Err())
	for _, step := range []func() error{
		func() error { return s.startPostgres(ctx, o.settings, progress) },
		func() error { return s.startRedis(ctx) },
		func() error { return s.startRoles(ctx, o) },
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
func (s *stack) startRoles(ctx context.Context, o options) (err error) {
	if s.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	if s.env, err = s.environ(ctx, o.concurrency); err != nil {
		return err
	}
	migrate := exec.CommandContext(ctx, filepath.Join(s.bin, "postrider"), "migrate", "up")
	migrate.Dir, migrate.Env = s.dir, s.env
	if said, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %s", err, said)
	}
	for _, role := range roles {
		if err := s.start(ctx, role); err != nil {
			return err
		}
	}
	for _, role := range roles {
		if err := s.ready(ctx, role); err != nil {
			return err
		}
	}
	return s.processes["api"].wait(ctx, answers(s.apiURL+"/healthz"))
}

// start starts a process of a role, whose name may have a number behind it.
func (s *stack) start(ctx context.Context, name string) error {
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	env := append(slices.Clip(s.env), "POSTRIDER_METRICS_LISTEN="+addr)
	p, err := startProcess(name, s.dir, env, filepath.Join(s.bin, roleOf(name)))
	if err != nil {
		return err
	}
	s.processes[name], s.metrics[name] = p, "http://"+addr
	s.add(func(ctx context.Context) error { p.stop(ctx); return nil })
	return nil
}

func (s *stack) ready(ctx context.Context, name string) error {
	return s.processes[name].wait(ctx, answers(s.metrics[name]+"/readyz"))
}

// roleOf is "worker" of "worker 2".
func roleOf(name string) string {
	if role, number, ok := strings.Cut(name, " "); ok && strings.Trim(number, "0123456789") == "" {
		return role
	}
	return name
}

// setWorkers has so many of them run.
func (s *stack) setWorkers(ctx context.Context, count int) error {
	for n := 2; ; n++ {
		name := fmt.Sprintf("worker %d", n)
		p, runs := s.processes[name]
		switch {
		case n <= count && !runs:
			if err := s.start(ctx, name); err != nil {
				return err
			}
			if err := s.ready(ctx, name); err != nil {
				return err
			}
		case n > count && runs:
			p.stop(ctx)
			delete(s.processes, name)
		case n > count:
			return nil
		}
	}
}

// environ is the configuration: defaults, but for addresses, keys and the
// permission to deliver on loopback.
func (s *stack) environ(ctx context.Context, concurrency int) ([]string, error) {
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
	if concurrency > 0 {
		env = append(env, "POSTRIDER_WORKER_CONCURRENCY="+strconv.Itoa(concurrency))
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
