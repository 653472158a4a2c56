package console

import "github.com/postrider/postrider/client"

func workspacesPages() []page {
	return []page{
		{method: "GET", path: "/workspaces", adminOnly: true, handle: listWorkspaces},
		{method: "GET", path: "/workspaces/menu", adminOnly: true, handle: workspaceMenu},
	}
}

// workspacesPage is templates/pages/workspaces.html's.
type workspacesPage struct {
	Workspaces []client.Workspace
	Next       *string
}

func listWorkspaces(v *visit) error {
	all, err := v.api.Workspaces.List(v.ctx(), client.ListOptions{Cursor: v.cursor()})
	if err != nil {
		return err
	}
	return v.render("workspaces", "Workspaces", workspacesPage{all.Data, all.NextCursor})
}

// workspaceMenu is the newest ones, for the switcher.
func workspaceMenu(v *visit) error {
	all, err := v.api.Workspaces.List(v.ctx(), client.ListOptions{Limit: 20})
	if err != nil {
		return err
	}
	return v.fragment("workspaces", "menu", all)
}
