package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Config is the whole configuration of one process, checked and typed.
type Config struct {
	Postgres   Postgres   `mapstructure:"postgres"`
	Redis      Redis      `mapstructure:"redis"`
	API        API        `mapstructure:"api"`
	Console    Console    `mapstructure:"console"`
	Secrets    Secrets    `mapstructure:"secrets"`
	Metrics    Metrics    `mapstructure:"metrics"`
	Worker     Worker     `mapstructure:"worker"`
	Delivery   Delivery   `mapstructure:"delivery"`
	Breaker    Breaker    `mapstructure:"breaker"`
	Operations Operations `mapstructure:"operations"`
	Egress     Egress     `mapstructure:"egress"`
	Retention  Retention  `mapstructure:"retention"`
	Tracing    Tracing    `mapstructure:"tracing"`
	Log        Log        `mapstructure:"log"`

	// loaded is what was read, redacted, in the table's order.
	loaded []loadedSetting
}

// Postgres says where the truth is kept.
type Postgres struct {
	// URL is a postgres:// URL or a keyword DSN ("host=… dbname=…"). Default
	// postgres://localhost:5432/postrider. It may hold a password.
	URL string `mapstructure:"url"`
	// DirectURL is used by migrations, for when URL leads to a pooler. Default URL.
	DirectURL string `mapstructure:"direct_url"`
	// ReplicaURL leads to a standby that the API reads lists from. Default none. It may
	// hold a password.
	ReplicaURL string `mapstructure:"replica_url"`
	// ReplicaMaxLag is how far behind it may be for that. Default 5s, 100ms to 1m.
	ReplicaMaxLag time.Duration `mapstructure:"replica_max_lag"`
}

// Redis says where the queue is.
type Redis struct {
	// URL has the scheme redis, rediss, unix, redis+sentinel or redis+cluster.
	// Default redis://localhost:6379/0. It may hold a password.
	URL string `mapstructure:"url"`
	// CAFile has the certificates that the servers' are signed with, in PEM. Default the
	// system's.
	CAFile string `mapstructure:"ca_file"`
	// CertFile and KeyFile are this client's certificate and its key. Default none.
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`
	// Shards is into how many queues each lane is split. Default 0, which is 1 and, on a
	// cluster, 6.
	Shards int `mapstructure:"shards"`
}

// API configures the HTTP API, console and portal.
type API struct {
	// Listen is the address as host:port. Default ":8080".
	Listen string `mapstructure:"listen"`
	// AdminKey is the bearer key that may do everything. Default none, and the
	// API does not start without one; DevAdminKey in dev.
	AdminKey string `mapstructure:"admin_key"`
	// RateLimit is in requests a second for each key. Default 0, which is none.
	RateLimit int `mapstructure:"rate_limit"`
}

// Console configures what people see of the API.
type Console struct {
	// URL is where people reach it, without a path. Default nil: where each request came.
	URL *url.URL `mapstructure:"url"`
	// TrustedProxies are believed what they say of whose request it was, and how it
	// came to them. Default none.
	TrustedProxies []netip.Prefix `mapstructure:"trusted_proxies"`
}

// Secrets holds what encrypts endpoint secrets and custom headers at rest.
type Secrets struct {
	// Keys are 32 bytes each, newest first: the first encrypts, all decrypt.
	// Default none, and the API and the worker do not start without one.
	Keys [][]byte `mapstructure:"key"`
}

// Metrics configures the listener for /metrics and health.
type Metrics struct {
	// Listen is the address as host:port. Default ":9090" for the API, ":9091"
	// for the worker, ":9092" for the scheduler.
	Listen string `mapstructure:"listen"`
	// Endpoints is how many endpoints, those with the most attempts, have metrics of
	// their own in each worker. Default 0, at most 1000.
	Endpoints int `mapstructure:"endpoints"`
}

// Worker configures the process that delivers.
type Worker struct {
	// Concurrency is how many requests are in flight in one worker at most.
	// Default 512, 1 to 100000.
	Concurrency int `mapstructure:"concurrency"`
	// BacklogShare is the part of the time in which retries, and bulk, begin while
	// first attempts come. Default 0.5, 0.01 to 1, which is all of it.
	BacklogShare float64 `mapstructure:"backlog_share"`
}

// Delivery holds the policy of endpoints that have none of their own.
type Delivery struct {
	// Timeout bounds the whole attempt. Default 10s, 1s to 60s in whole seconds.
	Timeout time.Duration `mapstructure:"timeout"`
	// RetrySchedule is the delay before each retry, as configured; use
	// DefaultSchedule for what takes effect. Default 1m, 5m, 30m; empty is no retry.
	RetrySchedule []time.Duration `mapstructure:"retry_schedule"`
	// MaxInFlight is how many requests one endpoint gets at once, over the whole
	// fleet. Default 64, 1 to 10000.
	MaxInFlight int `mapstructure:"max_in_flight"`
	// MaxRetries is how many delays of the default schedule are used; past its
	// end the last repeats. 0 to 20. Unless set it is the length of
	// RetrySchedule, hence 3 by default.
	MaxRetries int `mapstructure:"max_retries"`
	// RetryDelay replaces every delay of the default schedule. Default 0, which
	// is none; else 1ms to 24h.
	RetryDelay time.Duration `mapstructure:"retry_delay"`
}

// Breaker says when an endpoint counts as broken.
type Breaker struct {
	// Failures in a row open it. Default 20, 1 to 1000000.
	Failures int `mapstructure:"failures"`
	// Window is the least time those failures must span. Default 60s, 0 to 24h.
	Window time.Duration `mapstructure:"window"`
	// DisableAfter is how long an endpoint may fail before it is disabled: from the
	// first failure to the last, without a success or a silence of half of it, and 20
	// times in a row at least.
	// Default 5d, 1s to 365d.
	DisableAfter time.Duration `mapstructure:"disable_after"`
}

// Operations configures events about Postrider itself.
type Operations struct {
	// Workspace is whose endpoints get operational events. Default none.
	Workspace webhook.WorkspaceID `mapstructure:"workspace"`
}

// Egress bounds where requests may go.
type Egress struct {
	// Allow lists networks that may be reached although they are private or
	// special. Default none; loopback in dev.
	Allow []netip.Prefix `mapstructure:"allow"`
	// HTTPSOnly refuses endpoints with plain http URLs. Default false.
	HTTPSOnly bool `mapstructure:"https_only"`
	// Proxy is an http or https proxy for all deliveries. Default nil. It may
	// hold a password.
	Proxy *url.URL `mapstructure:"proxy"`
}

// Retention says how long history is kept. Whole days are dropped.
type Retention struct {
	// Deliveries also bounds how long a delivery may stay pending. Default 30d,
	// 1d to 3650d.
	Deliveries time.Duration `mapstructure:"deliveries"`
	// Payloads is how long events and their bodies are kept. Default Deliveries,
	// 1d to 3650d.
	Payloads time.Duration `mapstructure:"payloads"`
}

// Tracing configures where traces go.
type Tracing struct {
	// Endpoint is a collector's address for OTLP over HTTP. Default nil: nothing is traced.
	Endpoint *url.URL `mapstructure:"endpoint"`
	// Propagate tells receivers of the trace that a request belongs to. Default false.
	Propagate bool `mapstructure:"propagate"`
}

// Log configures the process's log on standard error.
type Log struct {
	// Level is the least that is logged: debug, info, warn or error. Default info.
	Level slog.Level `mapstructure:"level"`
	// Format is "json" or "text". Default "json".
	Format string `mapstructure:"format"`
}
