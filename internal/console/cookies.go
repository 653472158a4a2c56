package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// sessionTime is how long a session lasts, whatever is done in it.
const sessionTime = 12 * time.Hour

const (
	consoleBase = "/console"
	portalBase  = "/portal"
)

// adminMark starts the token of a session that the admin key opened.
const adminMark = "a."

// tokenHash is what is stored of a session's token. Of the admin's it is keyed with
// the admin key: with another key in the configuration the session is not found.
func (c *Console) tokenHash(token string) []byte {
	if !strings.HasPrefix(token, adminMark) {
		return webhook.HashToken(token)
	}
	mac := hmac.New(sha256.New, c.adminKey[:])
	mac.Write([]byte(token))
	return mac.Sum(nil)
}

func newToken(kind string) string {
	if kind == webhook.SessionAdmin {
		return adminMark + webhook.NewToken()
	}
	return webhook.NewToken()
}

// cookieName of a base. Over TLS it has the prefix by which browsers see to it that
// no other host, and nobody without TLS, can set it.
func cookieName(base string, secure bool) string {
	name := "postrider_" + strings.TrimPrefix(base, "/")
	if secure {
		return "__Host-" + name
	}
	return name
}

// setCookie gives the browser a token, or with a negative age takes it away. The
// portal's may be sent from within a frame of another site, of that site's frames
// alone (Partitioned); browsers allow that over TLS only, and without TLS a frame
// works on the portal's own site.
func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, base, token string, age time.Duration) {
	secure := c.proxies.secure(r)
	cookie := &http.Cookie{
		Name: cookieName(base, secure), Value: token, Path: base, MaxAge: int(age / time.Second), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
	if secure {
		cookie.Path = "/" // the prefix asks for it
	}
	if secure && base == portalBase {
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(w, cookie)
}

// token is what the browser has for a base; "" for none.
func (c *Console) token(r *http.Request, base string) string {
	cookie, err := r.Cookie(cookieName(base, c.proxies.secure(r)))
	if err != nil {
		return ""
	}
	return cookie.Value
}
