package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/postgres"
)

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Change the database's schema to this release's, or back"}
	cmd.AddCommand(
		migration("up", "Apply every migration that is not applied yet", migrateUp),
		migration("down", "Take the newest applied migration back", migrateDown),
		migration("status", "List every migration and whether it is applied", migrateStatus),
	)
	return cmd
}

func migration(use, short string, run func(*cobra.Command, *postgres.Migrator) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configured(cmd, config.RoleCommand)
			if err != nil {
				return err
			}
			m, err := postgres.NewMigrator(cfg.Postgres.DirectURL)
			if err != nil {
				return err
			}
			defer m.Close()
			return run(cmd, m)
		},
	}
	config.RegisterFlags(cmd.Flags())
	return cmd
}

func migrateUp(cmd *cobra.Command, m *postgres.Migrator) error {
	applied, err := m.Up(cmd.Context())
	if err != nil {
		return err
	}
	for _, name := range applied {
		fmt.Fprintln(cmd.OutOrStdout(), "applied", name)
	}
	if len(applied) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "nothing to apply")
	}
	return nil
}

func migrateDown(cmd *cobra.Command, m *postgres.Migrator) error {
	name, err := m.Down(cmd.Context())
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "took back", name)
	return nil
}

func migrateStatus(cmd *cobra.Command, m *postgres.Migrator) error {
	all, err := m.Status(cmd.Context())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	for _, s := range all {
		word := "pending"
		if s.Applied {
			word = "applied"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", s.Version, word, s.Name)
	}
	return w.Flush()
}
