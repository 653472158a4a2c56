package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/internal/webhook"
)

// comparable leaves out the record of what was read.
var comparable = cmp.Options{
	cmpopts.IgnoreUnexported(Config{}),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func bytesOf(first byte, step int) []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = first + byte(i*step)
	}
	return b
}

// defaults is the contract's table for a role that needs nothing.
func defaults() Config {
	return Config{
		Postgres:  Postgres{URL: "postgres://localhost:5432/postrider", DirectURL: "postgres://localhost:5432/postrider", ReplicaMaxLag: 5 * time.Second},
		Redis:     Redis{URL: "redis://localhost:6379/0"},
		API:       API{Listen: ":8080"},
		Metrics:   Metrics{Listen: ":9090"},
		Worker:    Worker{Concurrency: 512, BacklogShare: 0.5},
		Delivery:  Delivery{Timeout: 10 * time.Second, RetrySchedule: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}, MaxInFlight: 64, MaxRetries: 3},
		Breaker:   Breaker{Failures: 20, Window: time.Minute, DisableAfter: 5 * day},
		Retention: Retention{Deliveries: 30 * day, Payloads: 30 * day},
		Log:       Log{Level: slog.LevelInfo, Format: "json"},
	}
}

func TestLoad_GivesTheContractsDefaults(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(defaults(), input{}.mustLoad(t), comparable); diff != "" {
		t.Error(diff)
	}
}

// keyCases has a value other than the default for every key, and what it does.
var keyCases = map[string]struct {
	value string
	apply func(*Config)
}{
	"postgres.url": {"postgresql://app:pw@db:6432/x?sslmode=require", func(c *Config) {
		c.Postgres.URL = "postgresql://app:pw@db:6432/x?sslmode=require"
		c.Postgres.DirectURL = c.Postgres.URL
	}},
	"postgres.direct_url":      {"postgres://direct/x", func(c *Config) { c.Postgres.DirectURL = "postgres://direct/x" }},
	"postgres.replica_url":     {"postgres://replica/x", func(c *Config) { c.Postgres.ReplicaURL = "postgres://replica/x" }},
	"postgres.replica_max_lag": {"500ms", func(c *Config) { c.Postgres.ReplicaMaxLag = 500 * time.Millisecond }},
	"redis.url":                {"redis+cluster://:pw@a:1,b:2,c", func(c *Config) { c.Redis.URL = "redis+cluster://:pw@a:1,b:2,c" }},
	"redis.ca_file":            {"/etc/redis/ca.pem", func(c *Config) { c.Redis.CAFile = "/etc/redis/ca.pem" }},
	"redis.cert_file":          {"/etc/redis/client.pem", func(c *Config) { c.Redis.CertFile = "/etc/redis/client.pem" }},
	"redis.key_file":           {"/etc/redis/client.key", func(c *Config) { c.Redis.KeyFile = "/etc/redis/client.key" }},
	"redis.shards":             {"3", func(c *Config) { c.Redis.Shards = 3 }},
	"api.listen":               {"127.0.0.1:0", func(c *Config) { c.API.Listen = "127.0.0.1:0" }},
	"api.admin_key":            {"s3cret/+=", func(c *Config) { c.API.AdminKey = "s3cret/+=" }},
	"api.rate_limit":           {"100", func(c *Config) { c.API.RateLimit = 100 }},
	"secrets.key":              {testKey, func(c *Config) { c.Secrets.Keys = [][]byte{bytesOf(0, 1)} }},
	"metrics.listen":           {"127.0.0.1:9999", func(c *Config) { c.Metrics.Listen = "127.0.0.1:9999" }},
	"metrics.endpoints":        {"20", func(c *Config) { c.Metrics.Endpoints = 20 }},
	"worker.concurrency":       {"100", func(c *Config) { c.Worker.Concurrency = 100 }},
	"worker.backlog_share":     {"0.25", func(c *Config) { c.Worker.BacklogShare = 0.25 }},
	"delivery.timeout":         {"30s", func(c *Config) { c.Delivery.Timeout = 30 * time.Second }},
	"delivery.max_in_flight":   {"7", func(c *Config) { c.Delivery.MaxInFlight = 7 }},
	"delivery.max_retries":     {"2", func(c *Config) { c.Delivery.MaxRetries = 2 }},
	"delivery.retry_delay":     {"90s", func(c *Config) { c.Delivery.RetryDelay = 90 * time.Second }},
	"breaker.failures":         {"5", func(c *Config) { c.Breaker.Failures = 5 }},
	"breaker.window":           {"0s", func(c *Config) { c.Breaker.Window = 0 }},
	"breaker.disable_after":    {"1d12h", func(c *Config) { c.Breaker.DisableAfter = 36 * time.Hour }},
	"operations.workspace":     {"ops", func(c *Config) { c.Operations.Workspace = webhook.WorkspaceID("ops") }},
	"egress.allow":             {"10.0.0.0/8", func(c *Config) { c.Egress.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }},
	"egress.https_only":        {"true", func(c *Config) { c.Egress.HTTPSOnly = true }},
	"console.url":              {"https://hooks.example.com", func(c *Config) { c.Console.URL = &url.URL{Scheme: "https", Host: "hooks.example.com"} }},
	"console.trusted_proxies": {"10.0.0.0/8,192.0.2.1", func(c *Config) {
		c.Console.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}
	}},
	"egress.proxy":         {"http://proxy:3128", func(c *Config) { c.Egress.Proxy = &url.URL{Scheme: "http", Host: "proxy:3128"} }},
	"retention.deliveries": {"7d", func(c *Config) { c.Retention = Retention{Deliveries: 7 * day, Payloads: 7 * day} }},
	"retention.payloads":   {"3d", func(c *Config) { c.Retention.Payloads = 3 * day }},
	"tracing.endpoint":     {"http://otel:4318", func(c *Config) { c.Tracing.Endpoint = &url.URL{Scheme: "http", Host: "otel:4318"} }},
	"tracing.propagate":    {"true", func(c *Config) { c.Tracing.Propagate = true }},
	"log.level":            {"debug", func(c *Config) { c.Log.Level = slog.LevelDebug }},
	"log.format":           {"text", func(c *Config) { c.Log.Format = "text" }},
	"delivery.retry_schedule": {"1s,2m", func(c *Config) {
		c.Delivery.RetrySchedule = []time.Duration{time.Second, 2 * time.Minute}
		c.Delivery.MaxRetries = 2
	}},
}

func TestLoad_TakesEveryKeyFromEverySource(t *testing.T) {
	t.Parallel()
	for _, s := range Reference() {
		tt, ok := keyCases[s.Key]
		if !ok {
			t.Errorf("%s has no case", s.Key)
			continue
		}
		want := defaults()
		tt.apply(&want)
		section, name, _ := strings.Cut(s.Key, ".")
		sources := map[string]input{
			"file":       {file: section + ":\n  " + name + ": " + tt.value + "\n"},
			"quoted":     {file: section + ":\n  " + name + ": '" + tt.value + "'\n"},
			"dotted":     {file: s.Key + ": " + tt.value + "\n"},
			"variable":   {env: []string{s.Env() + "=" + tt.value}},
			"flag":       {args: []string{"--" + s.Key + "=" + tt.value}},
			"everywhere": {file: s.Key + ": nonsense", env: []string{s.Env() + "=nonsense"}, args: []string{"--" + s.Key + "=" + tt.value}},
			"variable over dotted file": {
				file: s.Key + ": nonsense", env: []string{s.Env() + "=" + tt.value}},
			"variable over nested file": {
				file: section + ":\n  " + name + ": [nonsense]\n", env: []string{s.Env() + "=" + tt.value}},
		}
		for source, in := range sources {
			t.Run(s.Key+"/"+source, func(t *testing.T) {
				t.Parallel()
				got := in.mustLoad(t)
				if diff := cmp.Diff(want, got, comparable); diff != "" {
					t.Error(diff)
				}
				if !got.Given(s.Key) {
					t.Error("does not count as given")
				}
			})
		}
	}
}

func TestLoad_SourcesOfDifferentKeysAddUp(t *testing.T) {
	t.Parallel()
	cfg := input{
		file: "worker: {concurrency: 1}\ndelivery:\n  max_in_flight: 1\n  timeout: 1s\n",
		env:  []string{"POSTRIDER_DELIVERY_MAX_IN_FLIGHT=2", "POSTRIDER_DELIVERY_TIMEOUT=2s"},
		args: []string{"--delivery.timeout", "3s"},
	}.mustLoad(t)
	if cfg.Worker.Concurrency != 1 || cfg.Delivery.MaxInFlight != 2 || cfg.Delivery.Timeout != 3*time.Second {
		t.Errorf("got %+v %+v", cfg.Worker, cfg.Delivery)
	}
	if cfg.Given("breaker.window") || cfg.Given("no.such") {
		t.Error("a default counts as given")
	}
}

func TestLoad_DirectURLAndPayloadsKeepTheirOwnValue(t *testing.T) {
	t.Parallel()
	cfg := input{env: []string{
		"POSTRIDER_POSTGRES_URL=postgres://pooler/x", "POSTRIDER_POSTGRES_DIRECT_URL=postgres://db/x",
		"POSTRIDER_RETENTION_DELIVERIES=20d", "POSTRIDER_RETENTION_PAYLOADS=10d",
	}}.mustLoad(t)
	if cfg.Postgres.DirectURL != "postgres://db/x" || cfg.Retention.Payloads != 10*day {
		t.Errorf("got %q, %s", cfg.Postgres.DirectURL, cfg.Retention.Payloads)
	}
}
