package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Execute runs a command line, says on standard error what went wrong, and returns
// the exit code.
func Execute(ctx context.Context, root *cobra.Command) int {
	mark(root)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if err == nil || isSaid(err) || code == ExitInterrupted {
		return code
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "postrider:", message(err))
	if code == ExitUsage {
		fmt.Fprintf(cmd.ErrOrStderr(), "`%s --help` says more.\n", cmd.CommandPath())
	}
	return code
}

// mark tells errors of commands that ran from those of their arguments.
func mark(cmd *cobra.Command) {
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := do(cmd, args); err != nil {
				return &begun{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		mark(sub)
	}
}

// errSaid is a failure that the output has said all about.
var errSaid = errors.New("it went wrong, as was said")

func isSaid(err error) bool { return errors.Is(err, errSaid) }
