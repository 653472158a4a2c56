package console

import (
	"net/http"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func workspacesPages() []page {
	return []page{
		{method: "GET", path: "/workspaces", adminOnly: true, handle: listWorkspaces},
		{method: "GET", path: "/workspaces/menu", adminOnly: true, handle: workspaceMenu},
		{method: "GET", path: "/workspaces/new", adminOnly: true, handle: newWorkspace},
		{method: "POST", path: "/workspaces", adminOnly: true, handle: createWorkspace},
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

// workspaceForm is what stands in the form of a new workspace, or of one that is there.
type workspaceForm struct {
	Once, ID, Name, Origins string
	// Version is which state of the workspace the form was made of; "" for a new one.
	Version string
	Wrong   mistakes
}

func readWorkspaceForm(r *http.Request) *workspaceForm {
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return &workspaceForm{Once: text("once"), ID: text("id"), Name: text("name"), Origins: text("portal_origins"), Version: text("version"), Wrong: mistakes{}}
}

// origins are those that were typed, one a line; a comma will do.
func (f *workspaceForm) origins() []string {
	return strings.Fields(strings.ReplaceAll(f.Origins, ",", " "))
}

func (f *workspaceForm) show(v *visit, status int) error {
	v.at(crumb{"Workspaces", v.base + "/workspaces"})
	return v.renderAs(status, "workspace-form", "New workspace", f)
}

func newWorkspace(v *visit) error {
	f := &workspaceForm{Once: webhook.NewToken(), Wrong: mistakes{}}
	return f.show(v, http.StatusOK)
}

func createWorkspace(v *visit) error {
	f := readWorkspaceForm(v.r)
	ws, err := v.api.Workspaces.Create(onceOf(v, f.Once), client.WorkspaceInput{ID: client.WorkspaceID(f.ID), Name: f.Name, PortalOrigins: f.origins()})
	if client.CodeOf(err) == client.CodeConflict {
		f.Wrong.add("id", "is taken, or was: an id is never used again")
	}
	if len(f.Wrong) > 0 || f.Wrong.refused(err, "id", "name", "portal_origins") {
		f.Once = webhook.NewToken()
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	v.workspace = ws
	return v.redirect("/overview?done=workspace-created")
}
