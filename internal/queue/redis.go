// Package queue is everything asynq: the tasks that carry deliveries through
// Redis, who enqueues and who takes them, and what can be asked about a task.
// Redis is the alarm clock: whatever is here can be rebuilt from Postgres.
package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// Redis is one connection pool to the alarm clock, and what is known of it.
type Redis struct {
	client  redis.UniversalClient
	opts    *redis.UniversalOptions
	cluster bool
	clock   *clock
	memory  memory
	shards  webhook.Shards
	queues  *queues
}

// Config of a Redis; zero values are defaults.
type Config struct {
	// URL is redis.url: redis://, rediss://, unix://, redis+sentinel://host,host/master/db
	// or redis+cluster://host,host.
	URL string
	TLS TLS
	// Shards is into how many queues each lane is split. Default 1, on a cluster
	// ClusterShards.
	Shards webhook.Shards
}

// ClusterShards is the default on a cluster: enough to use six masters, and as many on
// each of three.
const ClusterShards webhook.Shards = 6

// Open makes a pool. It does not connect.
func Open(cfg Config) (*Redis, error) {
	opts, cluster, err := parseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("redis.url: %w", err)
	}
	if err := cfg.TLS.apply(opts); err != nil {
		return nil, err
	}
	shards := max(cfg.Shards, 1)
	if cfg.Shards <= 0 && cluster {
		shards = ClusterShards
	}
	opts.DialTimeout = 2 * time.Second
	opts.ReadTimeout = 3 * time.Second
	opts.WriteTimeout = 3 * time.Second
	opts.ContextTimeoutEnabled = true
	r := &Redis{opts: opts, cluster: cluster, clock: newClock(), shards: shards, queues: queuesOf(shards)}
	r.client = r.dial(0)
	return r, nil
}

// dial makes one more pool, of so many connections more than go-redis or the URL would have.
func (r *Redis) dial(more int) redis.UniversalClient {
	opts := *r.opts
	if more > 0 {
		perCore := 10
		if r.cluster {
			perCore = 5 // of each node's
		}
		opts.PoolSize = cmp.Or(opts.PoolSize, perCore*runtime.GOMAXPROCS(0)) + more
	}
	if r.cluster {
		return redis.NewClusterClient(opts.Cluster())
	}
	return redis.NewUniversalClient(&opts)
}

// errUnescaped is for URLs whose password ends up in another part of them. No
// error says more than that: it would show a piece of the password.
var errUnescaped = errors.New("the user and password must be percent-encoded")

func parseURL(raw string) (*redis.UniversalOptions, bool, error) {
	switch scheme, _, _ := strings.Cut(raw, "://"); scheme {
	case "redis+sentinel", "redis+cluster":
		return parseMulti(raw, scheme)
	default:
		o, err := parseSingle(raw)
		return o, false, err
	}
}

func parseSingle(raw string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("it can't be read as a URL") // the error holds all of it, password and all
	}
	if u.Scheme != "unix" && strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") {
		return nil, errUnescaped
	}
	o, err := redis.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		Protocol: o.Protocol, PoolSize: o.PoolSize,
	}, nil
}

// Shards is into how many queues each lane is split, for who names tasks.
func (r *Redis) Shards() webhook.Shards { return r.shards }

// Close ends every connection.
func (r *Redis) Close() error { return r.client.Close() }

// Ping asks for a sign of life.
func (r *Redis) Ping(ctx context.Context) error { return r.client.Ping(ctx).Err() }

// Scripter runs scripts on this pool, for what else is shared through Redis.
func (r *Redis) Scripter() redis.Scripter { return r.client }
