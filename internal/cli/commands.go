package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// Commands are all that talk to a deployment, and those that need none but belong
// to them.
func Commands() []*cobra.Command {
	remote := []*cobra.Command{
		newSend(), newTrigger(), newListen(), newTail(), newEndpoints(), newEvents(), newDeliveries(), newReplay(),
		newEventTypes(), newWorkspaces(), newKeys(), newAuditLog(), newQueues(), newBench(),
	}
	for _, cmd := range remote {
		addTarget(cmd)
		_ = cmd.RegisterFlagCompletionFunc("profile", profileNames)
	}
	all := slices.Concat(remote, []*cobra.Command{newVerify(), newProfiles()})
	for _, cmd := range all {
		addOutput(cmd)
	}
	return all
}

// group is a command that only has others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			text := fmt.Sprintf("there is no `%s %s`", cmd.CommandPath(), clean(args[0]))
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				text += fmt.Sprintf("; did you mean `%s %s`?", cmd.CommandPath(), near[0])
			}
			return usageError(text)
		},
		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(subs...)
	return cmd
}
