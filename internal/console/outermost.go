package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// maxForm bounds what a form sends. The largest is an event of 1 MiB: in a form a
	// byte of it may be three.
	maxForm = 4 << 20
	// pageTimeout bounds a page, live updates and an endpoint's test apart.
	pageTimeout = 10 * time.Second
)

// outermost is around every request: headers, bounds, and an error page instead of
// a dropped connection when a handler panics.
func (c *Console) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		id := "req_" + webhook.NewID(c.cfg.Now()).String()
		w.Header().Set("X-Request-ID", id)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		ctx := context.WithValue(r.Context(), originKey{}, origin{c.remoteAddr(r), id, baseURL(c.cfg.URL, c.proxies, r)})
		r = r.WithContext(ctx)
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			c.fail(&visit{c: c, w: w, r: r, base: baseOf(r)}, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}()
		if p := unreadable(r); p != nil {
			c.fail(&visit{c: c, w: w, r: r, base: baseOf(r)}, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// remoteAddr is the reader's, as the audit log has it: host and port, of which only
// the host counts.
func (c *Console) remoteAddr(r *http.Request) string {
	addr := c.proxies.client(r)
	if !addr.IsValid() {
		return r.RemoteAddr
	}
	return netip.AddrPortFrom(addr, 0).String()
}
