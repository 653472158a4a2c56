package console

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// signInForm is the page's data.
type signInForm struct {
	Next  string
	Error string
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	c.showSignIn(w, r, http.StatusOK, "")
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request, status int, message string) {
	v := &visit{c: c, w: w, r: r, base: consoleBase}
	if err := v.renderAs(status, "sign-in", "Sign in", signInForm{Next: nextOf(r), Error: message}); err != nil {
		c.fail(v, err)
	}
}

// nextOf is where to go after the sign-in: a page of the console's, and nothing that
// a browser could take for another host.
func nextOf(r *http.Request) string {
	next := r.FormValue("next")
	u, err := url.ParseRequestURI(next) // refuses control characters, too
	if err != nil || u.Scheme != "" || u.Host != "" || strings.Contains(next, "\\") || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") ||
		!strings.HasPrefix(u.Path, consoleBase+"/") || strings.HasPrefix(u.Path, consoleBase+"/sign-") {
		return consoleBase + "/"
	}
	return u.RequestURI()
}

// signIn opens a session for who has a key.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	now := c.cfg.Now()
	giveBack, wait := c.failures.begin(c.proxies.client(r), now)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
		c.showSignIn(w, r, http.StatusTooManyRequests, "Too many wrong keys. Try again in "+plural(int64(seconds(wait)), "second")+".")
		return
	}
	s, err := c.deps.CheckKey(r.Context(), strings.TrimSpace(r.PostFormValue("key")))
	if webhook.CodeOf(err) == webhook.CodeUnauthorized {
		c.showSignIn(w, r, http.StatusUnauthorized, "This key is wrong or was revoked. Check that you copied all of it.")
		return
	}
	giveBack()
	if err != nil {
		c.fail(&visit{c: c, w: w, r: r, base: consoleBase}, err)
		return
	}
	// Who signs in anew has no use for the session before, and a thief shall have none.
	if old := c.token(r, consoleBase); old != "" {
		if err := c.deps.Sessions.Remove(r.Context(), c.tokenHash(old)); err != nil {
			c.fail(&visit{c: c, w: w, r: r, base: consoleBase}, err)
			return
		}
	}
	s.ExpiresAt = now.Add(sessionTime)
	token := newToken(s.Kind)
	if err := c.deps.Sessions.Create(r.Context(), c.tokenHash(token), &s, now); err != nil {
		c.fail(&visit{c: c, w: w, r: r, base: consoleBase}, err)
		return
	}
	c.setCookie(w, r, consoleBase, token, sessionTime)
	http.Redirect(w, r, nextOf(r), http.StatusSeeOther)
}

// signOut ends the session, here and on every other process.
func (c *Console) signOut(base string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c: c, w: w, r: r, base: base}
		if token := c.token(r, base); token != "" {
			if err := c.deps.Sessions.Remove(r.Context(), c.tokenHash(token)); err != nil {
				c.fail(v, err)
				return
			}
		}
		c.setCookie(w, r, base, "", -1)
		if base == portalBase {
			c.portalOver(v, "You are signed out", "Open the portal again from the site that led you here.")
			return
		}
		http.Redirect(w, r, consoleBase+"/sign-in", http.StatusSeeOther)
	}
}
