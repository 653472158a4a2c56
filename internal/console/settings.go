package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func settingsPages() []page {
	return []page{
		{method: "GET", path: inWorkspace + "/settings", adminOnly: true, handle: showSettings},
		{method: "POST", path: inWorkspace + "/settings", adminOnly: true, handle: saveSettings},
		{method: "POST", path: inWorkspace + "/portal-links", adminOnly: true, handle: createPortalLink},
		{method: "POST", path: inWorkspace + "/delete", adminOnly: true, handle: deleteWorkspace},
	}
}

// settingsPage is templates/pages/settings.html's: three forms, each with its mistakes.
type settingsPage struct {
	workspaceForm
	Link linkForm
	// Typed is what stands where the workspace's id is asked for, before it is deleted.
	Typed    string
	NotTyped bool
}

// linkForm is a portal link to be made.
type linkForm struct {
	Once, Ability, Expiry string
	Wrong                 mistakes
}

// linkExpiry is for how long a link can be used.
type linkExpiry struct {
	Seconds int
	Text    string
}

// Expiries are those that are offered.
func (linkForm) Expiries() []linkExpiry {
	return []linkExpiry{{60, "1 minute"}, {300, "5 minutes"}, {900, "15 minutes"}, {3600, "1 hour"}}
}

// settingsOf is the page as the workspace is.
func settingsOf(v *visit) *settingsPage {
	ws := v.workspace
	return &settingsPage{
		workspaceForm: workspaceForm{ID: string(ws.ID), Name: ws.Name, Origins: strings.Join(ws.PortalOrigins, "\n"), Version: versionOf(ws.UpdatedAt), Wrong: mistakes{}},
		Link:          linkForm{Once: webhook.NewToken(), Ability: string(client.PortalManage), Expiry: "300", Wrong: mistakes{}},
	}
}

func showSettings(v *visit) error { return v.render("settings", "Settings", settingsOf(v)) }

func (p *settingsPage) refused(v *visit) error {
	return v.renderAs(http.StatusUnprocessableEntity, "settings", "Settings", p)
}

// saveSettings changes what was changed in the form, and asks again where somebody else
// changed the workspace since the form was opened.
func saveSettings(v *visit) error {
	p, now := settingsOf(v), versionOf(v.workspace.UpdatedAt)
	p.workspaceForm = *readWorkspaceForm(v.r)
	if p.Version != now {
		p.Version = now
		p.Wrong.add("", "The workspace was changed since you opened this form. What you see is your version; save it again to have it so.")
		return v.renderAs(http.StatusConflict, "settings", "Settings", p)
	}
	if p.Name == "" { // a patch leaves out what is empty
		p.Wrong.add("name", "is required")
		return p.refused(v)
	}
	var patch client.WorkspacePatch
	if p.Name != inOneLine(v.workspace.Name) {
		patch.Name = p.Name
	}
	if origins := p.origins(); !slices.Equal(origins, v.workspace.PortalOrigins) {
		patch.PortalOrigins = client.Set(origins)
	}
	if patch.Name == "" && patch.PortalOrigins.IsZero() {
		return v.redirect("/settings?done=saved")
	}
	_, err := v.api.Workspaces.Update(v.ctx(), string(v.workspace.ID), patch)
	if p.Wrong.refused(err, "name", "portal_origins") {
		return p.refused(v)
	}
	if err != nil {
		return err
	}
	return v.redirect("/settings?done=saved")
}

func createPortalLink(v *visit) error {
	p := settingsOf(v)
	p.Link.Ability, p.Link.Expiry = v.r.PostFormValue("ability"), v.r.PostFormValue("expires_in")
	in := client.PortalLinkInput{Abilities: []client.PortalAbility{client.PortalAbility(p.Link.Ability)}}
	seconds, err := strconv.Atoi(p.Link.Expiry)
	if err != nil {
		p.Link.Wrong.add("expires_in", "must be whole seconds")
		return p.refused(v)
	}
	in.ExpiresIn = &seconds
	l, err := v.api.Workspaces.CreatePortalLink(onceOf(v, v.r.PostFormValue("once")), string(v.workspace.ID), in)
	if p.Link.Wrong.refused(err, "abilities", "expires_in") {
		return p.refused(v)
	}
	if err != nil {
		return err
	}
	v.at(crumb{"Settings", v.Home() + "/settings"})
	return v.renderAs(http.StatusCreated, "portal-link", "Portal link", portalLinkPage{l, slices.Contains(l.Abilities, client.PortalManage)})
}

// portalLinkPage is templates/pages/portal-link.html's.
type portalLinkPage struct {
	client.PortalLink
	Manage bool
}

// deleteWorkspace deletes it for who typed its id: nothing brings it back.
func deleteWorkspace(v *visit) error {
	p := settingsOf(v)
	p.Typed = strings.TrimSpace(v.r.PostFormValue("confirm"))
	if p.Typed != string(v.workspace.ID) {
		p.NotTyped = true
		return p.refused(v)
	}
	if err := v.api.Workspaces.Delete(v.ctx(), string(v.workspace.ID)); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, v.base+"/workspaces?done=workspace-deleted", http.StatusSeeOther)
	return nil
}
