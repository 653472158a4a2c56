package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
)

// Config is what a client may be told. Its zero value is good for most.
type Config struct {
	// HTTPClient makes the requests. By default a client of its own, which shares
	// connections with nobody and keeps up to 64 of them. A Timeout in it bounds
	// each try, too.
	HTTPClient *http.Client
	// Workspace is where the admin key acts. A workspace's key needs none.
	Workspace string
	// Timeout bounds one try, from dialing to the last byte of the answer. Default
	// 10s. A publish that waits for outcomes gets its wait on top, and what the API
	// itself gives more time has more here: [EndpointsService.Test], Diagnose, Replay.
	Timeout time.Duration
	// MaxRetries is how many more tries follow a first one that got no answer, or a
	// 429, 502, 503 or 504. Default 3, negative for none.
	MaxRetries int
	// MaxRetryAfter is how long a Retry-After is waited for; a longer one ends the
	// tries. Default 30s.
	MaxRetryAfter time.Duration
	// UserAgent is sent with each request. Default "postrider-go/" and the version.
	UserAgent string

	// For tests: a number from 0 up to 1, and how many bytes of an answer are read.
	jitter    func() float64
	maxAnswer int64
}

const (
	defaultTimeout       = 10 * time.Second
	defaultRetries       = 3
	defaultMaxRetryAfter = 30 * time.Second
	idleConns            = 64
)

func (c Config) withDefaults() Config {
	if c.HTTPClient == nil {
		c.HTTPClient = newHTTPClient()
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxRetries == 0 {
		c.MaxRetries = defaultRetries
	}
	if c.MaxRetryAfter <= 0 {
		c.MaxRetryAfter = defaultMaxRetryAfter
	}
	if c.UserAgent == "" {
		c.UserAgent = "postrider-go/" + version()
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	if c.maxAnswer == 0 {
		c.maxAnswer = maxAnswer
	}
	c.HTTPClient = withoutRedirects(c.HTTPClient)
	return c
}

func newHTTPClient() *http.Client {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the program has put one of its own in its place
		return &http.Client{}
	}
	transport := standard.Clone()
	transport.MaxIdleConnsPerHost = idleConns
	return &http.Client{Transport: transport}
}

// withoutRedirects: the API never redirects, and one that is followed may turn a
// POST into a GET or take the key elsewhere.
func withoutRedirects(c *http.Client) *http.Client {
	if c.CheckRedirect != nil {
		return c
	}
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// version is this module's, as the program was built with it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/postrider/postrider" && m.Version != "" {
				return m.Version
			}
		}
	}
	return "devel"
}

// Client calls one API with one key. It is safe for concurrent use.
type Client struct {
	base   string
	key    string
	cfg    Config
	broken error // what every call says of a base URL that is none

	// The API, by what it is about.
	Events     *EventsService
	Endpoints  *EndpointsService
	Deliveries *DeliveriesService
	Replays    *ReplaysService
	EventTypes *EventTypesService
	Explain    *ExplainService
	Stats      *StatsService
	Workspaces *WorkspacesService
	Keys       *KeysService
	AuditLog   *AuditLogService
	Queues     *QueuesService
}

// New makes a client for the API at a URL such as "https://postrider.example.com";
// the URL may have a path that a proxy takes away. The key is a workspace's
// (pr_…), or the admin key. A URL that can't be used is every call's error.
func New(baseURL, key string) *Client { return NewWith(baseURL, key, Config{}) }

// NewWith is New with a configuration.
func NewWith(baseURL, key string, cfg Config) *Client {
	base, err := parseBase(baseURL)
	return newClient(&Client{base: base, key: key, cfg: cfg.withDefaults(), broken: err})
}

// In is the same client, acting in another workspace: for the admin key.
func (c *Client) In(workspace string) *Client {
	other := *c
	other.cfg.Workspace = workspace
	return newClient(&other)
}

func newClient(c *Client) *Client {
	s := service{c}
	c.Events, c.Endpoints, c.Deliveries = &EventsService{s}, &EndpointsService{s}, &DeliveriesService{s}
	c.Replays, c.EventTypes, c.Explain = &ReplaysService{s}, &EventTypesService{s}, &ExplainService{s}
	c.Stats, c.Workspaces, c.Keys = &StatsService{s}, &WorkspacesService{s}, &KeysService{s}
	c.AuditLog, c.Queues = &AuditLogService{s}, &QueuesService{s}
	return c
}

// service is what each part of the API is made of.
type service struct{ c *Client }

// String leaves the key out, wherever a client is printed.
func (c *Client) String() string { return "postrider client for " + c.base }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// errBase does not repeat the URL: what is wrong with it may be a password in it.
var errBase = errors.New("client: the base URL is no http or https URL of a host, without user, query and fragment")

func parseBase(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errBase
	}
	return strings.TrimRight(u.String(), "/"), nil
}

type keyOfContext struct{}

// WithIdempotencyKey is a context whose POST is made under this key (1 to 255
// printable ASCII characters), in place of one made for each call: for who repeats
// a call on their own, as after a crash. The same call again within 24 hours gets
// the same answer and takes effect once; another call under the key is refused with
// [CodeIdempotencyMismatch], so use such a context for one call only.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfContext{}, key)
}
