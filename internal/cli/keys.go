package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newKeys() *cobra.Command {
	return group("keys", "API keys of a workspace; needs the admin key", newKeysCreate(), newKeysList(), newKeysRevoke())
}

// keysWorkspace is whose keys a command is about. Only the admin key manages keys, and
// it belongs to no workspace.
func (s *session) keysWorkspace() (string, error) {
	if s.target.workspace == "" {
		return "", withCode(errors.New("whose keys? --workspace names the workspace"), ExitUsage)
	}
	return s.target.workspace, nil
}

func newKeysCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create --workspace ID --name NAME", Short: "Make a key; it is shown this once", Args: cobra.NoArgs,
		Example: `  postrider keys create --workspace blog --name publisher --scopes events:write`,
	}
	name := cmd.Flags().String("name", "", "what the key is for")
	scopes := cmd.Flags().StringSlice("scopes", nil, "what it may do, e.g. events:write,events:read (default everything)")
	_ = cmd.MarkFlagRequired("name")
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		workspace, err := s.keysWorkspace()
		if err != nil {
			return err
		}
		in := client.KeyInput{Name: *name}
		for _, scope := range *scopes {
			in.Scopes = append(in.Scopes, client.Scope(scope))
		}
		k, err := s.api.Keys.Create(ctx, workspace, in)
		if err != nil {
			return err
		}
		return s.out.one(field{"key", k.Key}, field{"id", k.ID}, field{"name", k.Name},
			field{"workspace", string(k.WorkspaceID)}, field{"scopes", scopesOf(k)})
	})
	return cmd
}

func scopesOf(k client.Key) string {
	names := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, " ")
}

func newKeysList() *cobra.Command {
	cmd := &cobra.Command{Use: "list --workspace ID", Short: "List the keys that open a workspace", Args: cobra.NoArgs}
	var p paging
	p.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		workspace, err := s.keysWorkspace()
		if err != nil {
			return err
		}
		return list(s, p, s.api.Keys.All(ctx, workspace, client.ListOptions{Limit: p.page()}),
			column[client.Key]{"ID", func(k client.Key) string { return k.ID }},
			column[client.Key]{"NAME", func(k client.Key) string { return k.Name }},
			column[client.Key]{"KEY", func(k client.Key) string { return k.Hint + "…" }},
			column[client.Key]{"CREATED", func(k client.Key) string { return when(k.CreatedAt) }},
			column[client.Key]{"SCOPES", scopesOf})
	})
	return cmd
}

func newKeysRevoke() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke --workspace ID KEY_ID", Short: "Revoke a key: within 2 seconds it opens nothing", Args: cobra.ExactArgs(1)}
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		workspace, err := s.keysWorkspace()
		if err != nil {
			return err
		}
		if err := s.api.Keys.Revoke(ctx, workspace, args[0]); err != nil {
			return err
		}
		s.note("revoked %s", args[0])
		return nil
	})
	return cmd
}
