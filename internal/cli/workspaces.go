package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newWorkspaces() *cobra.Command {
	cmd := group("workspaces", "Tenants; needs the admin key",
		newWorkspacesList(),
		workspace("show", "Show a workspace", func(ctx context.Context, s *session, id string) error {
			return s.showWorkspace(s.api.Workspaces.Get(ctx, id))
		}),
		newWorkspacesCreate(), newWorkspacesUpdate(), newWorkspacesDelete(),
	)
	cmd.Aliases = []string{"workspace"}
	return cmd
}

func workspace(use, short string, do func(ctx context.Context, s *session, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " WORKSPACE", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: first(workspaceIDs),
		RunE: connected(func(ctx context.Context, s *session, args []string) error { return do(ctx, s, args[0]) }),
	}
}

func newWorkspacesList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the workspaces, newest first", Args: cobra.NoArgs}
	var p paging
	p.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		return list(s, p, s.api.Workspaces.All(ctx, client.ListOptions{Limit: p.page()}),
			column[client.Workspace]{"ID", func(w client.Workspace) string { return string(w.ID) }},
			column[client.Workspace]{"NAME", func(w client.Workspace) string { return w.Name }},
			column[client.Workspace]{"CREATED", func(w client.Workspace) string { return when(w.CreatedAt) }})
	})
	return cmd
}

func (s *session) showWorkspace(w client.Workspace, err error) error {
	if err != nil {
		return err
	}
	return s.out.one(field{"id", string(w.ID)}, field{"name", w.Name}, field{"created", when(w.CreatedAt)}, field{"updated", when(w.UpdatedAt)})
}

func newWorkspacesCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a workspace", Args: cobra.ExactArgs(1),
		Example: `  postrider workspaces create 'My Blog' --id blog`,
	}
	id := cmd.Flags().String("id", "", "1 to 64 of A-Za-z0-9_- (default: one is made)")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		return s.showWorkspace(s.api.Workspaces.Create(ctx, client.WorkspaceInput{ID: client.WorkspaceID(*id), Name: args[0]}))
	})
	return cmd
}

func newWorkspacesUpdate() *cobra.Command {
	cmd := workspace("update", "Rename a workspace", nil)
	name := cmd.Flags().String("name", "", "its name from now on")
	_ = cmd.MarkFlagRequired("name")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		return s.showWorkspace(s.api.Workspaces.Update(ctx, args[0], client.WorkspacePatch{Name: *name}))
	})
	return cmd
}

func newWorkspacesDelete() *cobra.Command {
	cmd := workspace("delete", "Delete a workspace: its keys stop working, its endpoints go, and its id can't be used again", nil)
	sure := cmd.Flags().Bool("yes", false, "really; without it nothing is done")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		if !*sure {
			return usageError("deleting a workspace ends its keys and endpoints, and can't be undone: say --yes")
		}
		return s.did("deleted "+args[0], s.api.Workspaces.Delete(ctx, args[0]))
	})
	return cmd
}
