package config

import (
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// EnvPrefix starts every variable that is read.
const EnvPrefix = "POSTRIDER_"

// Setting is one key of the configuration, as documentation shows it.
type Setting struct {
	// Key is the name in the file and, after two dashes, the flag.
	Key string
	// Meaning is one sentence without a final dot, in Markdown.
	Meaning string

	def          string          // raw default; empty is none
	defByRole    map[Role]string // overrides def
	defShown     string          // in documentation, where def does not say it all
	sameAs       string          // an earlier key whose value is the default
	parse        parser
	mask         func(string) string // makes a raw value fit to print; nil: as it is
	isBool       bool                // the flag needs no value
	requiredBy   []Role
	requiredHint string
}

const (
	day      = 24 * time.Hour
	maxDelay = day
	maxTotal = 14 * day // of all delays of a schedule, as for an endpoint's own
	year     = 365 * day
	// maxRetries bounds a schedule, as for an endpoint's own.
	maxRetries = 20
	keyHint    = "; generate one with: openssl rand -base64 32"
	secretKey  = "secrets.key"
)

// settings is the contract's table, never written to. A new feature adds its keys
// here and to Config, and to nothing else.
var settings = []Setting{
	{
		Key: "postgres.url", def: "postgres://localhost:5432/postrider",
		parse: scalar(postgresURL), mask: maskURL,
		Meaning: "where the truth is kept; a URL or a keyword DSN",
	}, {
		Key: "postgres.direct_url", sameAs: "postgres.url",
		parse: scalar(postgresURL), mask: maskURL,
		Meaning: "for migrations, when `postgres.url` leads to a pooler",
	}, {
		Key: "postgres.replica_url", parse: optional(postgresURL), mask: maskURL,
		Meaning: "a streaming replica that the API reads lists and stats from; unless set, `postgres.url`",
	}, {
		Key: "postgres.replica_max_lag", def: "5s", parse: scalar(duration(100*time.Millisecond, time.Minute)),
		Meaning: "how far behind `postgres.replica_url` may be: beyond it, and while it is away, lists are read from `postgres.url`",
	}, {
		Key: "redis.url", def: "redis://localhost:6379/0",
		parse: scalar(redisURL), mask: maskURL,
		Meaning: "the queue; also `rediss://`, `unix://`, `redis+sentinel://…`, `redis+cluster://a,b,c`",
	}, {
		Key: "redis.ca_file", parse: optional(fileName),
		Meaning: "certificates, in PEM, that Redis's is signed with; unless set, the system's",
	}, {
		Key: "redis.cert_file", parse: optional(fileName),
		Meaning: "certificate that Postrider shows to Redis, in PEM",
	}, {
		Key: "redis.key_file", parse: optional(fileName),
		Meaning: "key of `redis.cert_file`, in PEM",
	}, {
		Key: "redis.shards", parse: optional(wholeNumber(1, int(webhook.MaxShards))), defShown: "1, on a cluster 6",
		Meaning: "into how many queues each lane is split, so that all masters of a cluster have some",
	}, {
		Key: "api.listen", def: ":8080", parse: scalar(listenAddress),
		Meaning: "HTTP API, console and portal",
	}, {
		Key: "api.admin_key", defByRole: map[Role]string{RoleDev: DevAdminKey},
		parse: scalar(bearerKey), mask: maskAll, requiredBy: []Role{RoleAPI}, requiredHint: keyHint,
		Meaning: "bearer key that may do everything; the API refuses to start without it",
	}, {
		Key: "api.rate_limit", parse: optional(wholeNumber(1, 1_000_000)),
		Meaning: "requests a second a key",
	}, {
		Key: "console.url", parse: optional(siteURL),
		Meaning: "where people reach the console and the portal, such as `https://webhooks.example.com`; unless set, where each request came",
	}, {
		Key: "console.trusted_proxies", parse: list(network, 0, 1000),
		Meaning: "networks of the proxies whose `X-Forwarded-Proto` and `X-Forwarded-For` are believed",
	}, {
		Key: secretKey, parse: list(encryptionKey, 1, 100), mask: maskAll,
		requiredBy: []Role{RoleAPI, RoleWorker}, requiredHint: keyHint,
		Meaning: "encrypts secrets and custom headers at rest: 32 bytes in base64, or a comma-separated list, " +
			"newest first, for rotation; the API and the worker refuse to start without it",
	}, {
		Key: "metrics.listen", def: ":9090", defShown: ":9090 API, :9091 worker, :9092 scheduler",
		defByRole: map[Role]string{RoleWorker: ":9091", RoleScheduler: ":9092"},
		parse:     scalar(listenAddress),
		Meaning:   "`/metrics`, `/healthz`, `/readyz` and `/debug/pprof/`",
	}, {
		Key: "metrics.endpoints", def: "0", parse: scalar(wholeNumber(0, 1000)),
		Meaning: "how many endpoints, those with the most attempts, have metrics of their own in each worker",
	}, {
		Key: "worker.concurrency", def: "512", parse: scalar(wholeNumber(1, 100_000)),
		Meaning: "requests in flight in one worker",
	}, {
		Key: "worker.backlog_share", def: "0.5", parse: scalar(number(0.01, 1)),
		Meaning: "the part of the time in which a worker begins retries, and as much bulk, while first attempts come; 1 holds neither back",
	}, {
		Key: "delivery.timeout", def: "10s", parse: scalar(wholeSeconds(time.Second, time.Minute)),
		Meaning: "bounds one attempt, for endpoints without their own",
	}, {
		Key: "delivery.retry_schedule", def: "[1m,5m,30m]",
		parse:   list(duration(time.Millisecond, maxDelay), 0, maxRetries),
		Meaning: "delay before each retry, for endpoints without their own; `[]` is no retry",
	}, {
		Key: "delivery.max_in_flight", def: "64", parse: scalar(wholeNumber(1, 10_000)),
		Meaning: "requests in flight to one endpoint over the whole fleet, for endpoints without their own",
	}, {
		Key: "delivery.max_retries", def: "3", parse: scalar(wholeNumber(0, maxRetries)),
		Meaning: "how many delays of the default schedule are used (past its end the last repeats); " +
			"unless set, all of `delivery.retry_schedule`",
	}, {
		Key: "delivery.retry_delay", parse: optional(duration(time.Millisecond, maxDelay)),
		Meaning: "one fixed delay in place of those in the default schedule",
	}, {
		Key: "breaker.failures", def: "20", parse: scalar(wholeNumber(1, 1_000_000)),
		Meaning: "failed attempts in a row that open an endpoint's breaker",
	}, {
		Key: "breaker.window", def: "60s", parse: scalar(duration(0, day)),
		Meaning: "the least time those failures must span",
	}, {
		Key: "breaker.disable_after", def: "5d", parse: scalar(duration(time.Second, year)),
		Meaning: "an endpoint that fails for so long, and 20 times in a row at least, is disabled; a silence of half of it (of an hour at least) begins the time anew",
	}, {
		Key: "operations.workspace", parse: optional(workspaceID),
		Meaning: "whose endpoints get operational events",
	}, {
		Key: "egress.allow", defByRole: map[Role]string{RoleDev: "127.0.0.0/8,::1"},
		parse:   list(network, 0, 1000),
		Meaning: "networks (`10.0.0.0/8`) and addresses that may be reached although private; in `dev` loopback is allowed",
	}, {
		Key: "egress.https_only", def: "false", parse: scalar(boolean), isBool: true,
		Meaning: "refuse endpoints with plain `http` URLs",
	}, {
		Key: "egress.proxy", parse: optional(proxyURL), mask: maskURL,
		Meaning: "`http://` or `https://` proxy for deliveries",
	}, {
		Key: "retention.deliveries", def: "30d", parse: scalar(duration(day, 10*year)),
		Meaning: "how long deliveries, attempts and the audit log are kept; whole days are dropped, and what is still pending then is first failed as `expired`",
	}, {
		Key: "retention.payloads", sameAs: "retention.deliveries", parse: scalar(duration(day, 10*year)),
		Meaning: "how long events and their payloads are kept",
	}, {
		Key: "tracing.endpoint", parse: optional(collectorURL), mask: maskURL,
		Meaning: "a collector of OpenTelemetry traces, by OTLP over HTTP, such as `http://localhost:4318`; unless set, nothing is traced",
	}, {
		Key: "tracing.propagate", def: "false", parse: scalar(boolean), isBool: true,
		Meaning: "send `traceparent` to receivers",
	}, {
		Key: "log.level", def: "info", parse: scalar(logLevel),
		Meaning: "`debug`, `info`, `warn` or `error`",
	}, {
		Key: "log.format", def: "json", parse: scalar(oneOf("json", "text")),
		Meaning: "`json` or `text`",
	},
}

// Env is the setting's variable: POSTRIDER_ and the key in upper case, with _
// for each dot.
func (s *Setting) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// defaultFor is the raw default in a role, or "" for none.
func (s *Setting) defaultFor(role Role) string {
	if def, ok := s.defByRole[role]; ok {
		return def
	}
	return s.def
}

// find returns the setting of a key, or nil.
func find(key string) *Setting {
	for i := range settings {
		if settings[i].Key == key {
			return &settings[i]
		}
	}
	return nil
}
