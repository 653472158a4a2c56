package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// visit is one request of somebody who is signed in.
type visit struct {
	c *Console
	w http.ResponseWriter
	r *http.Request
	// base is /console or /portal, where the page's links lead.
	base    string
	session *webhook.Session // nil before the sign-in
	// workspace is where the page is; its ID is "" outside of any.
	workspace client.Workspace
	// api asks in that workspace, as who is signed in.
	api    *client.Client
	crumbs []crumb
}

// crumb is a step of the way to a page.
type crumb struct{ Text, Href string }

func (v *visit) ctx() context.Context { return v.r.Context() }

// Base is where everything of the console, or of the portal, is.
func (v *visit) Base() string { return v.base }

// Home is where the workspace's pages are.
func (v *visit) Home() string { return v.base + "/w/" + string(v.workspace.ID) }

// Workspace is where the page is.
func (v *visit) Workspace() client.Workspace { return v.workspace }

// SignedIn says whether anybody is.
func (v *visit) SignedIn() bool { return v.session != nil }

// Admin says whether it is the admin, who sees all workspaces.
func (v *visit) Admin() bool { return v.session != nil && v.session.Kind == webhook.SessionAdmin }

// KeyHolder says whether it is somebody with a workspace's key.
func (v *visit) KeyHolder() bool { return v.session != nil && v.session.Kind == webhook.SessionKey }

// Portal says whether this is a customer's view.
func (v *visit) Portal() bool { return v.base == portalBase }

// forWho chooses between what an operator is told, and a customer.
func (v *visit) forWho(operator, customer string) string {
	if v.Portal() {
		return customer
	}
	return operator
}

// Who is what the reader is called.
func (v *visit) Who() string {
	switch {
	case v.session == nil:
		return ""
	case v.Admin():
		return "Admin key"
	case v.Portal():
		return "Portal"
	}
	return "Key " + v.session.Key.Name
}

// May says whether the reader may do what has this scope.
func (v *visit) May(scope string) bool {
	return v.session != nil && (v.Admin() || v.session.Key.Allows(webhook.Scope(scope)))
}

// Whole says whether the reader may do everything in the workspace.
func (v *visit) Whole() bool {
	return !slices.ContainsFunc(webhook.Scopes(), func(s webhook.Scope) bool { return !v.May(string(s)) })
}

// Sections are the navigation's, those that the reader may see.
func (v *visit) Sections() []section {
	if v.workspace.ID == "" {
		return nil
	}
	at := strings.TrimPrefix(v.r.URL.Path, v.Home())
	return slices.DeleteFunc(sections(), func(s section) bool { return !s.shownTo(v) }).mark(at)
}

// at sets the way to the page.
func (v *visit) at(crumbs ...crumb) { v.crumbs = crumbs }

// together runs what does not need each other's results at the same time, a few at
// once: a page is not to take all connections to the database. The first error ends it.
func (v *visit) together(calls ...func(ctx context.Context) error) error {
	group, ctx := errgroup.WithContext(v.ctx())
	group.SetLimit(8)
	for _, call := range calls {
		group.Go(func() error { return call(ctx) })
	}
	return group.Wait()
}

// render answers with a page.
func (v *visit) render(name, title string, data any) error {
	return v.renderAs(http.StatusOK, name, title, data)
}

func (v *visit) renderAs(status int, name, title string, data any) error {
	page, ok := v.c.views[name]
	if !ok {
		return fmt.Errorf("there is no template %q", name)
	}
	var out bytes.Buffer
	if err := page.whole(&out, &shell{Visit: v, Title: title, Data: data, Version: v.c.cfg.Version}); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	write(v.w, status, &out)
	return nil
}

// fragment answers with a part of a page, for htmx.
func (v *visit) fragment(name, block string, data any) error {
	var out bytes.Buffer
	if err := v.part(&out, name, block, data); err != nil {
		return err
	}
	write(v.w, http.StatusOK, &out)
	return nil
}

// part renders one of a page's templates.
func (v *visit) part(out *bytes.Buffer, name, block string, data any) error {
	if err := v.c.views[name].part(out, block, &shell{Visit: v, Data: data}); err != nil {
		return fmt.Errorf("render %s of %s: %w", block, name, err)
	}
	return nil
}

// redirect sends the browser on after a form, to a path below Home.
func (v *visit) redirect(path string) error {
	http.Redirect(v.w, v.r, v.Home()+path, http.StatusSeeOther)
	return nil
}

// pathID is an id in the path.
func (v *visit) pathID() string { return v.r.PathValue("id") }

// cursor is the page of a list that is asked for.
func (v *visit) cursor() string { return v.r.URL.Query().Get("cursor") }
