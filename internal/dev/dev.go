// Package dev runs all of Postrider in one process for a developer: the three
// roles on a private Postgres and an in-process Redis, with a workspace, a key
// and a receiver that are ready to use.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/local"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
)

// Options of Run.
type Options struct {
	// DataDir keeps what survives a restart. Default local.DefaultDataDir().
	DataDir string
	// Output shows what is ready and each webhook as it arrives; Progress what is
	// being fetched or installed on the way there.
	Output, Progress io.Writer
	Logger           *slog.Logger
}

// stopTimeout bounds the way down: a receiver that hangs is not waited for long.
const stopTimeout = 5 * time.Second

// Run starts everything, prints how to use it, and returns when ctx has ended
// and everything is down, or when the private Postgres died.
func Run(ctx context.Context, cfg config.Config, opts Options) (err error) {
	app.TuneGC(ctx, 192<<20)
	queue.LogTo(opts.Logger)
	if opts.DataDir == "" {
		if opts.DataDir, err = local.DefaultDataDir(); err != nil {
			return err
		}
	}
	pg, err := startPostgres(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, within(ctx, pg.Stop)) }()
	redis, err := local.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	state, err := loadState(opts.DataDir)
	if err != nil {
		return err
	}
	cfg.Postgres.URL, cfg.Postgres.DirectURL, cfg.Redis.URL = pg.DSN(""), pg.DSN(""), redis.URL()
	onLoopback(&cfg)
	allowLoopback(&cfg)
	if len(cfg.Secrets.Keys) == 0 {
		cfg.Secrets.Keys = [][]byte{state.SecretsKey}
	}
	if err := postgres.Migrate(ctx, cfg.Postgres.DirectURL); err != nil {
		return err
	}
	return serve(ctx, cfg, opts, pg, state)
}

// serve runs the three roles and the receiver until ctx ends or Postgres does.
func serve(ctx context.Context, cfg config.Config, opts Options, pg *local.Postgres, state *state) error {
	receiver, err := startReceiver(opts.Output)
	if err != nil {
		return err
	}
	defer receiver.close()
	a, err := app.New(ctx, cfg, opts.Logger, config.RoleAPI, config.RoleWorker, config.RoleScheduler)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		a.Stop(stopCtx)
	}()
	base := "http://" + reachable(a.APIAddr())
	if err := state.prepare(ctx, base, cfg.API.AdminKey, receiver); err != nil {
		return err
	}
	printReady(opts, cfg, base, state, receiver)
	select {
	case <-ctx.Done():
		fmt.Fprintln(opts.Output, "\nstopping")
		return nil
	case <-pg.Done():
		return errors.New("the private Postgres ended; start again, the data is kept")
	}
}

func startPostgres(ctx context.Context, opts Options) (*local.Postgres, error) {
	bin, err := local.FindPostgres(ctx, local.Options{DataDir: opts.DataDir, Output: opts.Progress})
	if err != nil {
		return nil, err
	}
	pg, err := local.StartPostgres(ctx, bin, local.PostgresConfig{DataDir: opts.DataDir, Logger: opts.Logger})
	if errors.Is(err, local.ErrInUse) {
		return nil, fmt.Errorf("%w: is another `make run` open? Else give this one a directory and addresses of its own: "+
			`make run ARGS="--data DIR --api.listen 127.0.0.1:8081 --metrics.listen 127.0.0.1:9091"`, err)
	}
	return pg, err
}

func within(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return stop(ctx)
}

// newClient is patient: api.rate_limit is dev's own calls' limit too, and the first
// of them meet an API that has just begun.
func newClient(base, key string) *client.Client {
	return client.NewWith(base, key, client.Config{Workspace: workspace, MaxRetries: 10})
}

// onLoopback keeps dev, whose admin key everybody knows, off the network unless
// an address was asked for.
func onLoopback(cfg *config.Config) {
	if !cfg.Given("api.listen") {
		cfg.API.Listen = "127.0.0.1:8080"
	}
	if !cfg.Given("metrics.listen") {
		cfg.Metrics.Listen = "127.0.0.1:9090"
	}
}

// allowLoopback lets webhooks go to this machine also where a list of one's own
// took the place of dev's default.
func allowLoopback(cfg *config.Config) {
	for _, prefix := range []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")} {
		if !slices.Contains(cfg.Egress.Allow, prefix) {
			cfg.Egress.Allow = append(cfg.Egress.Allow, prefix)
		}
	}
}

// reachable is an address to dial for one that was listened on.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
