package console

import (
	"net/http"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// policy is what a page may do: load from here, and send forms here. There is no
// script and no style in a page, so that what a stranger smuggles in does nothing.
const policy = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors "

// secureHeaders are on everything; frames says who may show it in one.
func secureHeaders(h http.Header, frames ...string) {
	if len(frames) == 0 {
		frames = []string{"'none'"}
		h.Set("X-Frame-Options", "DENY")
	} else {
		h.Del("X-Frame-Options") // it can't name more than one
	}
	h.Set("Content-Security-Policy", policy+strings.Join(frames, " "))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // no-referrer would hide the origin of our own forms, too
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// What a page shows is for who is signed in, and not for who comes after.
	h.Set("Cache-Control", "no-store")
}

// framesOf are the sites that may show this session's pages.
func framesOf(s *webhook.Session) []string {
	if s == nil || s.Kind != webhook.SessionPortal {
		return nil
	}
	return s.Workspace.PortalOrigins
}
