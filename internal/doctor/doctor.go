// Package doctor looks at what Postrider depends on (its configuration, Postgres,
// Redis, the clocks, the way out) and says what an operator should change, to the
// exact setting. It changes nothing itself.
package doctor

import (
	"cmp"
	"context"
	"net/netip"
	"time"

	"github.com/postrider/postrider/internal/doctor/facts"
	"github.com/postrider/postrider/internal/webhook"
)

// Postgres is what is asked of the database.
type Postgres interface {
	Server(ctx context.Context, settings []string) (facts.Postgres, error)
	Schema(ctx context.Context, now time.Time) (facts.Schema, error)
	Fleet(ctx context.Context) (facts.Fleet, error)
	Receivers(ctx context.Context, most int) ([]string, error)
}

// Redis is what is asked of the queue.
type Redis interface {
	Doctor(ctx context.Context) (facts.Redis, error)
}

// Egress is the operator's word on what endpoints may reach.
type Egress interface {
	CheckURL(ctx context.Context, raw string) *webhook.FieldError
}

// Prober goes the way to a receiver, and sends no request.
type Prober interface {
	Probe(ctx context.Context, rawURL string, timeout time.Duration) webhook.Probe
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Deps are what is looked at.
type Deps struct {
	Postgres Postgres
	Redis    Redis
	Egress   Egress
	Resolver Resolver
	// Prober connects to receivers; nil leaves that out.
	Prober Prober
	// Direct asks postgres.direct_url for a sign of life, of a session of its own; nil
	// where it is the same.
	Direct func(ctx context.Context) error
	// Replica is an error where lists are not read from postgres.replica_url; nil where
	// that is not set.
	Replica func(ctx context.Context) error
}

// Config is what the doctor has to know of the configuration.
type Config struct {
	AdminKey    string
	DevAdminKey string // the one that everybody knows
	Keys        [][]byte
	Allow       []netip.Prefix
	// ProxyHost is where deliveries go through, or "".
	ProxyHost string
	// Hosts are those of Postgres and Redis, which no endpoint should reach.
	Hosts []string
	// PoolSize is how many connections a process makes at most, and Processes how
	// many are to run. Default 6: two of each role.
	PoolSize, Processes int
	// Receivers are URLs to look at in place of those of active endpoints.
	Receivers []string
	// Now is the time. Default time.Now.
	Now func() time.Time
}

// askTimeout bounds each question: what takes longer is as good as away.
const askTimeout = 10 * time.Second

// Doctor looks at a deployment.
type Doctor struct {
	Deps
	cfg Config
	findings
}

// New makes one, for one Run.
func New(deps Deps, cfg Config) *Doctor {
	cfg.Processes = cmp.Or(cfg.Processes, 6)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Doctor{Deps: deps, cfg: cfg}
}

// Run looks at everything, and goes on where something is away.
func (d *Doctor) Run(ctx context.Context) Report {
	d.lookAtKeys()
	hasSchema := d.lookAtPostgres(ctx)
	d.lookAtRedis(ctx)
	d.lookAtEgress(ctx, hasSchema)
	return d.report()
}

// asked calls a question with its time limit.
func asked[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return ask(ctx)
}
