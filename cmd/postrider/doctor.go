package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/cli"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/egress"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
)

// checkup is what the flags say.
type checkup struct {
	json, connect bool
	processes     int
	receivers     []string
}

func newDoctor() *cobra.Command {
	var c checkup
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at the configuration, Postgres, Redis, the clocks and the way out, and say what to change",
		Long: `Look at what Postrider depends on, from this machine and with the configuration
of the servers, and say what to change, to the exact setting. It changes nothing,
and may run beside everything else and before the first start.

The exit code is 0 where nothing fails, warnings or not, and else 1.`,
		Example: `  postrider doctor
  postrider doctor --json --processes 12
  postrider doctor --connect --receiver https://example.com/webhooks`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	config.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	cmd.Flags().IntVar(&c.processes, "processes", 6, "how many APIs, workers and schedulers are to run, for the connections they need")
	cmd.Flags().BoolVar(&c.connect, "connect", false, "connect to receivers, as far as TLS; nothing is sent")
	cmd.Flags().StringArrayVar(&c.receivers, "receiver", nil, "`URL` of a receiver to look at (default those of the newest endpoints)")
	return cmd
}

func (c *checkup) run(cmd *cobra.Command) error {
	cfg, warnings, err := config.FromFlags(cmd.Flags(), os.Environ(), config.RoleCommand)
	if err != nil {
		return c.print(cmd.OutOrStdout(), doctor.Misconfigured(strings.Split(err.Error(), "\n")...))
	}
	report, err := c.examine(cmd.Context(), cfg)
	if err != nil {
		report = doctor.Misconfigured(err.Error())
	}
	return c.print(cmd.OutOrStdout(), report.Unknown(warnings))
}

// examine returns an error where an address in the configuration can't be read.
func (c *checkup) examine(ctx context.Context, cfg config.Config) (doctor.Report, error) {
	db, err := postgres.Open(ctx, postgres.Config{URL: cfg.Postgres.URL, Keys: cfg.Secrets.Keys, MaxConns: 1, ApplicationName: "postrider-doctor"})
	if err != nil {
		return doctor.Report{}, err
	}
	defer db.Close()
	queue.LogTo(slog.New(slog.DiscardHandler)) // what is wrong is said once, as a finding
	redis, err := queue.Open(app.RedisConfig(cfg))
	if err != nil {
		return doctor.Report{}, err
	}
	defer redis.Close()
	asks, policy := postgres.NewDoctor(db), egress.NewPolicy(egress.Config{Allow: cfg.Egress.Allow, HTTPSOnly: cfg.Egress.HTTPSOnly})
	deps := doctor.Deps{Postgres: asks, Redis: redis, Egress: policy, Resolver: net.DefaultResolver}
	if cfg.Postgres.DirectURL != cfg.Postgres.URL {
		direct, err := postgres.Open(ctx, postgres.Config{URL: cfg.Postgres.DirectURL, MaxConns: 1, ApplicationName: "postrider-doctor"})
		if err != nil {
			return doctor.Report{}, fmt.Errorf("postgres.direct_url: %w", err)
		}
		defer direct.Close()
		deps.Direct = direct.PingSession
	}
	if cfg.Postgres.ReplicaURL != "" {
		replica, err := postgres.NewReplica(ctx, db, cfg.Postgres.ReplicaURL, postgres.ReplicaConfig{
			MaxLag: cfg.Postgres.ReplicaMaxLag, MaxConns: 1, ApplicationName: "postrider-doctor",
		})
		if err != nil {
			return doctor.Report{}, err
		}
		defer replica.Close()
		deps.Replica = replica.CheckNow
	}
	if c.connect {
		sender, err := egress.NewSender(policy, egress.SenderConfig{Proxy: cfg.Egress.Proxy})
		if err != nil {
			return doctor.Report{}, err
		}
		defer sender.Close()
		deps.Prober = sender
	}
	return doctor.New(deps, c.known(cfg, append(asks.Hosts(), redis.Hosts()...))).Run(ctx), nil
}

func (c *checkup) known(cfg config.Config, hosts []string) doctor.Config {
	known := doctor.Config{
		AdminKey: cfg.API.AdminKey, DevAdminKey: config.DevAdminKey, Keys: cfg.Secrets.Keys,
		Allow: cfg.Egress.Allow, Hosts: hosts, Receivers: c.receivers,
		PoolSize: app.MaxConns, Processes: c.processes,
	}
	if cfg.Egress.Proxy != nil {
		known.ProxyHost = cfg.Egress.Proxy.Hostname()
	}
	return known
}

// print returns an error where something fails.
func (c *checkup) print(w io.Writer, r doctor.Report) error {
	if err := c.write(w, r); err != nil {
		return err
	}
	if r.Status == doctor.Fail {
		return cli.ErrSaid
	}
	return nil
}

func (c *checkup) write(w io.Writer, r doctor.Report) error {
	if c.json {
		raw, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", cli.CleanJSON(raw))
		return err
	}
	count := map[doctor.Level]int{}
	for _, f := range r.Findings {
		count[f.Level]++
		fmt.Fprintf(w, "%-5s %-38s %s\n", f.Level, f.Check, cli.Clean(f.Found))
		for _, line := range []struct{ word, text string }{{"set", f.Setting}, {"do", f.Advice}} {
			if line.text != "" {
				fmt.Fprintf(w, "%44s %-4s %s\n", "", line.word, cli.Clean(line.text))
			}
		}
	}
	_, err := fmt.Fprintf(w, "%d well, %d to think about, %d to change\n", count[doctor.OK], count[doctor.Warn], count[doctor.Fail])
	return err
}
