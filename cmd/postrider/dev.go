package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/dev"
	"github.com/postrider/postrider/internal/telemetry"
)

func newDev() *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in this process, with a Postgres and a Redis of its own",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configured(cmd, config.RoleDev)
			if err != nil {
				return err
			}
			// The terminal shows webhooks; what goes well is not worth a line there.
			if !cfg.Given("log.level") {
				cfg.Log.Level = slog.LevelWarn
			}
			if !cfg.Given("log.format") {
				cfg.Log.Format = "text"
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), telemetry.LogConfig{
				Level: cfg.Log.Level, Format: cfg.Log.Format, Role: "dev", Version: telemetry.Version(),
				Traced: cfg.Tracing.Endpoint != nil,
			})
			if err != nil {
				return err
			}
			return dev.Run(cmd.Context(), cfg, dev.Options{
				DataDir: dataDir, Output: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(), Logger: logger,
			})
		},
	}
	config.RegisterFlags(cmd.Flags())
	cmd.Flags().StringVar(&dataDir, "data", "", "`directory` that keeps the data (default: one for each working directory)")
	return cmd
}
