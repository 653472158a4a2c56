package console

import (
	"net/http"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// enter opens the portal for who has a link that nobody used. It is a GET, for that
// is what a link is: what only looks ahead (a browser that fetches before somebody
// clicks, a HEAD) uses nothing up.
func (c *Console) enter(w http.ResponseWriter, r *http.Request) {
	v := &visit{c: c, w: w, r: r, base: portalBase}
	if r.Method != http.MethodGet || strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	// Not a picture, and not a script of somebody's page.
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		c.fail(v, errNotFound)
		return
	}
	now, token := c.cfg.Now(), newToken(webhook.SessionPortal)
	_, err := c.deps.Sessions.Enter(r.Context(), webhook.HashToken(r.URL.Query().Get("token")), c.tokenHash(token), webhook.Session{ExpiresAt: now.Add(sessionTime)}, now)
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		c.portalOver(v, "This link was used or is too old", "Each link opens the portal once, within minutes. Open the portal again from the site that led you here.")
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	c.setCookie(w, r, portalBase, token, sessionTime)
	http.Redirect(w, r, portalBase+"/", http.StatusSeeOther)
}
