package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// baseOf is which of the two a path belongs to.
func baseOf(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, portalBase+"/") {
		return portalBase
	}
	return consoleBase
}

// visited runs a page for who is signed in.
func (c *Console) visited(base string, p *page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c: c, w: w, r: r, base: base}
		if !p.long {
			ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
			defer cancel()
			v.r = r.WithContext(ctx)
		}
		if err := c.admit(v, p); err != nil {
			c.fail(v, err)
			return
		}
		if err := p.handle(v); err != nil {
			c.fail(v, err)
		}
	})
}

// admit finds out who it is and whether they may see the page.
func (c *Console) admit(v *visit, p *page) error {
	token := c.token(v.r, v.base)
	if token == "" {
		return errSignedOut
	}
	s, err := c.deps.Sessions.ByHash(v.ctx(), c.tokenHash(token), c.cfg.Now())
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return errSignedOut
	}
	if err != nil {
		return err
	}
	if (s.Kind == webhook.SessionPortal) != (v.base == portalBase) {
		return errSignedOut // a cookie of the other base's, put there by hand
	}
	secureHeaders(v.w.Header(), framesOf(&s)...)
	v.session = &s
	v.r = v.r.WithContext(c.deps.As(v.ctx(), &s))
	if err := c.enterWorkspace(v); err != nil {
		return err
	}
	if p.adminOnly && !v.Admin() {
		return errNotFound
	}
	if p.whole && !v.Whole() {
		return errNotWhole
	}
	if p.scope != "" && !v.May(string(p.scope)) {
		return errForbidden(p.scope)
	}
	return nil
}

// enterWorkspace finds the one in the path. To who is of another it does not exist.
func (c *Console) enterWorkspace(v *visit) error {
	id := v.r.PathValue("workspace")
	v.api = c.newClient(id)
	switch {
	case id == "":
		return nil
	case v.Admin():
		ws, err := v.api.Workspaces.Get(v.ctx(), id)
		if err != nil {
			return err
		}
		v.workspace = ws
		return nil
	case id != string(v.session.Workspace.ID):
		return errNotFound
	}
	ws := v.session.Workspace
	v.workspace = client.Workspace{ID: client.WorkspaceID(ws.ID), Name: ws.Name}
	return nil
}

// signInPath is where to sign in, and then go on. A form's address is nothing to go
// on at.
func signInPath(r *http.Request) string {
	if r.Method != http.MethodGet || r.Header.Get("HX-Request") != "" {
		return consoleBase + "/sign-in"
	}
	return consoleBase + "/sign-in?next=" + url.QueryEscape(r.URL.RequestURI())
}
