// Package queue is everything asynq: the tasks that carry deliveries through
// Redis, who enqueues and who takes them, and what can be asked about a task.
// Redis is the alarm clock: whatever is here can be rebuilt from Postgres.
package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is one connection pool to the alarm clock.
type Redis struct {
	client redis.UniversalClient
}

// Open makes a pool from a redis.url: redis://, rediss://, unix://,
// redis+sentinel://host,host/master/db or redis+cluster://host,host. It does
// not connect.
func Open(rawURL string) (*Redis, error) {
	opts, cluster, err := parseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis.url: %w", err)
	}
	opts.DialTimeout = 2 * time.Second
	opts.ReadTimeout = 3 * time.Second
	opts.WriteTimeout = 3 * time.Second
	opts.ContextTimeoutEnabled = true
	if cluster {
		return &Redis{client: redis.NewClusterClient(opts.Cluster())}, nil
	}
	return &Redis{client: redis.NewUniversalClient(opts)}, nil
}

func parseURL(raw string) (*redis.UniversalOptions, bool, error) {
	switch scheme, _, _ := strings.Cut(raw, "://"); scheme {
	case "redis+sentinel", "redis+cluster":
		return parseMulti(raw, scheme)
	default:
		o, err := redis.ParseURL(raw)
		if _, ok := errors.AsType[*url.Error](err); ok {
			return nil, false, errors.New("it can't be read as a URL") // the error holds all of it, password and all
		}
		if err != nil {
			return nil, false, err
		}
		return &redis.UniversalOptions{
			Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
			Protocol: o.Protocol, PoolSize: o.PoolSize,
		}, false, nil
	}
}

// parseMulti reads URLs that name several hosts, which net/url refuses to.
func parseMulti(raw, scheme string) (*redis.UniversalOptions, bool, error) {
	rest := strings.TrimPrefix(raw, scheme+"://")
	hosts, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut(path, "?")
	o := &redis.UniversalOptions{}
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		u, err := url.Parse("redis://" + hosts[:at+1] + "host")
		if err != nil {
			return nil, false, fmt.Errorf("the user and password can't be read")
		}
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
		hosts = hosts[at+1:]
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			return nil, false, fmt.Errorf("an empty host in %q", hosts)
		}
		o.Addrs = append(o.Addrs, host)
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, false, fmt.Errorf("the part after ? can't be read")
	}
	if params.Get("tls") == "true" {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if scheme == "redis+cluster" {
		return o, true, nil
	}
	o.SentinelUsername, o.SentinelPassword = params.Get("sentinel_username"), params.Get("sentinel_password")
	master, db, _ := strings.Cut(path, "/")
	if master == "" {
		return nil, false, fmt.Errorf("redis+sentinel needs the master's name: redis+sentinel://host,host/name/db")
	}
	o.MasterName = master
	if db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil {
			return nil, false, fmt.Errorf("%q is not a database number", db)
		}
	}
	return o, false, nil
}

// Close ends every connection.
func (r *Redis) Close() error { return r.client.Close() }

// Ping asks for a sign of life.
func (r *Redis) Ping(ctx context.Context) error { return r.client.Ping(ctx).Err() }

// Skew is how far this machine's clock is ahead of Redis's. asynq forwards and
// recovers by each worker's clock, so a worker that is far off must not run.
func (r *Redis) Skew(ctx context.Context) (time.Duration, error) {
	before := time.Now()
	theirs, err := r.client.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("ask redis for its time: %w", err)
	}
	mine := before.Add(time.Since(before) / 2)
	return mine.Sub(theirs), nil
}

// Scripter runs scripts on this pool, for what else is shared through Redis.
func (r *Redis) Scripter() redis.Scripter { return r.client }
