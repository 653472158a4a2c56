package console

import (
	"net/http"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// page is a route: where it is below the base, and who may see it.
type page struct {
	method, path string
	// scope is what the reader needs; "" for none. The API asks for it again.
	scope webhook.Scope
	// adminOnly pages are no workspace's, and not in the portal.
	adminOnly bool
	// noPortal pages are the producer's, and no customer's.
	noPortal bool
	// whole pages are for who may do everything in the workspace.
	whole bool
	// long pages take their time: live updates, tests of an endpoint.
	long   bool
	handle func(v *visit) error
}

// inWorkspace is the beginning of every path of a workspace's page.
const inWorkspace = "/w/{workspace}"

// pages is every page. A new file adds its line.
func pages() (all []page) {
	all = append(all, workspacesPages()...)
	all = append(all, overviewPages()...)
	all = append(all, eventsPages()...)
	all = append(all, eventTypesPages()...)
	all = append(all, deliveryPages()...)
	all = append(all, endpointPages()...)
	all = append(all, keysPages()...)
	all = append(all, queuesPages()...)
	all = append(all, auditLogPages()...)
	all = append(all, settingsPages()...)
	all = append(all, deliveriesPages()...)
	all = append(all, replaysPages()...)
	return append(all, endpointsPages()...)
}

// section is an entry of the navigation.
type section struct {
	Text, Path string // Path is below Home
	Also       string // another path whose pages belong to it
	Icon       string // names a symbol of templates/components/sidebar.html
	Scope      string
	Admin      bool // for the admin only
	Whole      bool // for who may do everything in the workspace
	Current    bool
}

// shownTo says whether the reader may see it.
func (s section) shownTo(v *visit) bool {
	switch {
	case s.Admin:
		return v.Admin()
	case s.Whole:
		return v.Whole()
	}
	return v.May(s.Scope)
}

type sectionList []section

// sections is the navigation of a workspace, in its order. A new page adds its line.
func sections() sectionList {
	return sectionList{
		{Text: "Overview", Path: "/overview", Icon: "overview", Scope: "deliveries:read"},
		{Text: "Endpoints", Path: "/endpoints", Icon: "endpoints", Scope: "endpoints:read"},
		{Text: "Deliveries", Path: "/deliveries", Also: "/replays", Icon: "deliveries", Scope: "deliveries:read"},
		{Text: "Events", Path: "/events", Icon: "events", Scope: "events:read"},
		{Text: "Event types", Path: "/event-types", Icon: "types", Scope: "endpoints:read"},
		{Text: "API keys", Path: "/keys", Icon: "keys", Admin: true},
		{Text: "Queues", Path: "/queues", Icon: "queues", Admin: true},
		{Text: "Audit log", Path: "/audit-log", Icon: "audit", Whole: true},
		{Text: "Settings", Path: "/settings", Icon: "workspaces", Admin: true},
	}
}

// mark finds the section that a path belongs to.
func (l sectionList) mark(path string) []section {
	for i := range l {
		l[i].Current = below(path, l[i].Path) || l[i].Also != "" && below(path, l[i].Also)
	}
	return l
}

func below(path, base string) bool { return path == base || strings.HasPrefix(path, base+"/") }

// mux has every page under both bases.
func (c *Console) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /console/assets/{name}", c.assets.serve)
	mux.HandleFunc("GET /console/sign-in", c.signInPage)
	mux.HandleFunc("POST /console/sign-in", c.signIn)
	mux.HandleFunc("POST /console/sign-out", c.signOut(consoleBase))
	mux.HandleFunc("POST /portal/sign-out", c.signOut(portalBase))
	mux.HandleFunc("GET /portal/enter", c.enter)
	for _, base := range []string{consoleBase, portalBase} {
		mux.Handle("GET "+base+"/{$}", c.visited(base, &page{handle: start}))
		mux.Handle("GET "+base+inWorkspace+"/{$}", c.visited(base, &page{handle: first}))
		mux.Handle(base+"/", c.visited(base, &page{handle: func(*visit) error { return errNotFound }}))
		for _, p := range pages() {
			if base == consoleBase || !p.adminOnly && !p.noPortal {
				mux.Handle(p.method+" "+base+p.path, c.visited(base, &p))
			}
		}
	}
	return mux
}

// start leads to where the reader left off, or has only one way to go.
func start(v *visit) error {
	if v.Admin() {
		http.Redirect(v.w, v.r, v.base+"/workspaces", http.StatusSeeOther)
		return nil
	}
	v.workspace.ID = client.WorkspaceID(v.session.Workspace.ID)
	return first(v)
}

// first leads to the first section that the reader may see.
func first(v *visit) error {
	for _, s := range sections() {
		if s.shownTo(v) {
			return v.redirect(s.Path)
		}
	}
	return errNoPage
}
