package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "API keys of a workspace"}
	create := &cobra.Command{
		Use: "create", Short: "Make a key; it is shown this once", Args: cobra.NoArgs,
	}
	target := addRemote(create)
	name := create.Flags().String("name", "", "what the key is for")
	scopes := create.Flags().StringSlice("scopes", nil, "what it may do, e.g. events:write,events:read (default everything)")
	_ = create.MarkFlagRequired("name")
	_ = create.MarkFlagRequired("workspace")
	create.RunE = func(cmd *cobra.Command, _ []string) error {
		in := map[string]any{"name": *name}
		if len(*scopes) > 0 {
			in["scopes"] = *scopes
		}
		answer, err := target.call(cmd.Context(), http.MethodPost, "/v1/workspaces/"+target.workspace+"/keys", in)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), string(answer))
		return nil
	}
	cmd.AddCommand(create)
	return cmd
}
