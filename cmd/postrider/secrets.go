package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func newSecrets() *cobra.Command {
	cmd := &cobra.Command{Use: "secrets", Short: "The encryption of endpoints' secrets and custom headers"}
	rotate := &cobra.Command{
		Use: "rotate", Short: "Encrypt everything with the newest key of secrets.key", Args: cobra.NoArgs, RunE: rotateSecrets,
		Long: `Encrypt every endpoint's secret and custom headers with the newest key of secrets.key.

1. Put the new key in front of the old one (secrets.key: new,old) of every API and worker, and restart them.
2. Run this with the same two keys. It may run beside everything else, be stopped, and be run again.
3. Take the old key away from every API and worker.`,
	}
	config.RegisterFlags(rotate.Flags())
	cmd.AddCommand(rotate)
	return cmd
}

func rotateSecrets(cmd *cobra.Command, _ []string) error {
	cfg, err := configured(cmd, config.RoleCommand)
	if err != nil {
		return err
	}
	if len(cfg.Secrets.Keys) == 0 {
		return errors.New("secrets.key is not set: it lists the new key, then the old ones")
	}
	db, err := postgres.Open(cmd.Context(), postgres.Config{URL: cfg.Postgres.URL, Keys: cfg.Secrets.Keys, MaxConns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	done, err := db.RotateSecrets(cmd.Context())
	fmt.Fprintf(cmd.OutOrStdout(), "encrypted anew: the secrets of %d endpoints\n", done.Rotated)
	if err != nil {
		return err
	}
	if n := len(done.Unreadable); n > 0 {
		return fmt.Errorf("none of the %d keys in secrets.key decrypts the secrets of %d endpoints, the first of them %s: add the key they were encrypted with and run this again",
			len(cfg.Secrets.Keys), n, done.Unreadable[0].Format(webhook.EndpointPrefix))
	}
	return nil
}
