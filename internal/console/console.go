package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Sessions stores who is signed in, by the hashes of their cookies.
type Sessions interface {
	Create(ctx context.Context, hash []byte, s *webhook.Session, now time.Time) error
	// Enter turns a portal link into a session, once; after that it is not_found. Of in
	// ExpiresAt counts.
	Enter(ctx context.Context, link, hash []byte, in webhook.Session, now time.Time) (webhook.Session, error)
	// ByHash is not_found for a session that is over: whose time is, whose key was
	// revoked or whose workspace was deleted.
	ByHash(ctx context.Context, hash []byte, now time.Time) (webhook.Session, error)
	Remove(ctx context.Context, hash []byte) error
}

// Deps is what the console stands on; every field is required.
type Deps struct {
	// API answers every request for data and every change.
	API http.Handler
	// CheckKey finds out whose key it is; a wrong one is unauthorized.
	CheckKey func(ctx context.Context, key string) (webhook.Session, error)
	// As makes the requests to API under this context the session's.
	As       func(ctx context.Context, s *webhook.Session) context.Context
	Sessions Sessions
}

// Config of the console. AdminKey is required; the zero value of every other field
// is a default.
type Config struct {
	// AdminKey ends, once it is another, the sessions that it opened.
	AdminKey string
	// URL is where people reach it. Default nil: where each request came.
	URL *url.URL
	// TrustedProxies are believed what they say of a request's origin. Default none.
	TrustedProxies []netip.Prefix
	// Stopping is closed when the process is about to stop: live updates end then.
	Stopping <-chan struct{}
	Version  string       // default "dev"
	Logger   *slog.Logger // default: discards
	Now      func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Console is the handler of everything below /console and /portal.
type Console struct {
	deps     Deps
	cfg      Config
	adminKey [sha256.Size]byte // a hash of it
	proxies  proxies
	assets   *assets
	views    map[string]view
	failures *failures
	streams  places // of live updates
	handler  http.Handler
}

// New finds the pages and makes the handler.
func New(deps Deps, cfg Config) (*Console, error) {
	c := &Console{
		deps: deps, cfg: cfg.withDefaults(), adminKey: sha256.Sum256([]byte(cfg.AdminKey)), proxies: cfg.TrustedProxies,
		failures: newFailures(),
	}
	var err error
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if c.views, err = newViews(c.assets); err != nil {
		return nil, err
	}
	protection := http.NewCrossOriginProtection()
	if cfg.URL != nil {
		if err := protection.AddTrustedOrigin(cfg.URL.String()); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(c.crossOrigin))
	c.handler = c.outermost(protection.Handler(c.mux()))
	return c, nil
}

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Beside serves the console's paths, and leaves the others to the API. A browser
// that asks for nothing in particular is shown the console.
func (c *Console) Beside(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == consoleBase, path == portalBase, path == "/" && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, strings.TrimSuffix(cmpOr(path, consoleBase), "/")+"/", http.StatusSeeOther)
		case strings.HasPrefix(path, consoleBase+"/"), strings.HasPrefix(path, portalBase+"/"):
			c.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

func cmpOr(path, base string) string {
	if path == "/" {
		return base
	}
	return path
}

// write answers with a page that was rendered whole.
func write(w http.ResponseWriter, status int, page *bytes.Buffer) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // fails only when the reader is gone
}
