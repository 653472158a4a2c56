package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// problem is an error as a page shows it: what is wrong, and what to do.
type problem struct {
	Status        int
	Title, Detail string
	RequestID     string
	retryAfter    int // seconds
}

func (p *problem) Error() string { return p.Title }

var (
	errSignedOut = errors.New("nobody is signed in")
	errNotFound  = &problem{Status: http.StatusNotFound, Title: "There is nothing here", Detail: "The address is wrong, or what was here is deleted."}
	errNoPage    = &problem{Status: http.StatusForbidden, Title: "This key can see no page", Detail: "It has none of the scopes that read (endpoints:read, events:read, deliveries:read). Sign in with a key that has."}
	errNotWhole  = &problem{Status: http.StatusForbidden, Title: "You can’t see this", Detail: "It tells of all that is in the workspace, and needs a key with every scope."}
)

func errForbidden(scope webhook.Scope) error {
	return &problem{
		Status: http.StatusForbidden, Title: "You can look at this, but not do it",
		Detail: fmt.Sprintf("It needs the scope %s, which the key or link that you came with does not have.", scope),
	}
}

// problemOf is what the reader is told. An error that nobody foresaw is ours to look
// into, and its text stays with us.
func problemOf(err error) *problem {
	var p *problem
	var e *client.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		return errNotFound
	case errors.As(err, &e) && e.Status < http.StatusInternalServerError:
		return &problem{Status: e.Status, Title: e.Title, Detail: e.Detail}
	case errors.As(err, &e) && e.Status == http.StatusServiceUnavailable, webhook.CodeOf(err) == webhook.CodeUnavailable,
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &problem{
			Status: http.StatusServiceUnavailable, Title: "Not available at the moment", retryAfter: 2,
			Detail: "The database is away or has too much to do. Nothing is lost; try again in a moment.",
		}
	}
	return &problem{Status: http.StatusInternalServerError, Title: "Something went wrong", Detail: "It is our fault. The request's id helps to find it in the log of the API."}
}

// fail answers with an error page, or with the way to the sign-in.
func (c *Console) fail(v *visit, err error) {
	if errors.Is(err, errSignedOut) {
		c.signedOut(v)
		return
	}
	p := *problemOf(err)
	p.RequestID = v.w.Header().Get("X-Request-ID")
	if p.Status == http.StatusInternalServerError {
		c.cfg.Logger.ErrorContext(v.ctx(), "page failed", "request_id", p.RequestID, "method", v.r.Method, "path", v.r.URL.Path, "error", err)
	}
	if p.retryAfter > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	c.showProblem(v, &p)
}

func (c *Console) showProblem(v *visit, p *problem) {
	var out bytes.Buffer
	if err := c.views["problem"].whole(&out, &shell{Visit: v, Title: p.Title, Data: p, Version: c.cfg.Version}); err != nil {
		c.cfg.Logger.ErrorContext(v.ctx(), "error page failed", "error", err)
		http.Error(v.w, p.Title, p.Status)
		return
	}
	write(v.w, p.Status, &out)
}

// signedOut leads to the sign-in; in the portal there is none.
func (c *Console) signedOut(v *visit) {
	if v.base == portalBase {
		c.portalOver(v, "Your visit is over", "You were here for 12 hours, or what let you in was taken back. Open the portal again from the site that led you here.")
		return
	}
	to := signInPath(v.r)
	if v.r.Header.Get("HX-Request") != "" {
		v.w.Header().Set("HX-Redirect", to) // htmx would put the sign-in into the page
		v.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
}

// portalOver is shown in any frame: there is nothing in it to see or to click on.
func (c *Console) portalOver(v *visit, title, detail string) {
	secureHeaders(v.w.Header(), "*")
	c.showProblem(v, &problem{Status: http.StatusUnauthorized, Title: title, Detail: detail})
}

// crossOrigin refuses a form that another site sent.
func (c *Console) crossOrigin(w http.ResponseWriter, r *http.Request) {
	c.fail(&visit{c: c, w: w, r: r, base: baseOf(r)}, &problem{
		Status: http.StatusForbidden, Title: "This did not come from here",
		Detail: "A form of another site was sent to this one, which may be an attack. Nothing was done.",
	})
}

func seconds(d interface{ Seconds() float64 }) int { return max(1, int(math.Ceil(d.Seconds()))) }

// reasonOf is why the API refused what was given; "" where it did not.
func reasonOf(err error) string {
	var e *client.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity {
		return ""
	}
	if len(e.Errors) > 0 {
		return e.Errors[0].Detail
	}
	return e.Detail
}

// refusalOf is the same with the field's name, for a form that says it in one place.
func refusalOf(err error) string {
	var e *client.Error
	reason := reasonOf(err)
	if errors.As(err, &e) && reason != "" && len(e.Errors) > 0 {
		name, _, _ := strings.Cut(strings.TrimPrefix(e.Errors[0].Pointer, "/"), "/")
		return name + " " + reason
	}
	return reason
}
