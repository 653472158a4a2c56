// Command postrider is the command line: dev runs everything in one process,
// migrate and secrets work on the database, the others talk to a deployment.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/cli"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/telemetry"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := app.Signals(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	return cli.Execute(ctx, root)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "postrider",
		Short:         "Send webhooks: signed, retried, and never lost",
		Version:       telemetry.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newDev(), newMigrate(), newSecrets(), newDoctor(), newReady())
	root.AddCommand(cli.Commands()...)
	return root
}

// configured reads the configuration of a command whose flags have every key.
// Warnings go to standard error.
func configured(cmd *cobra.Command, role config.Role) (config.Config, error) {
	cfg, warnings, err := config.FromFlags(cmd.Flags(), os.Environ(), role)
	for _, w := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	return cfg, err
}
