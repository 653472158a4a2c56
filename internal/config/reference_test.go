package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contract is the contract's table: key and default.
var contract = [][2]string{
	{"postgres.url", "postgres://localhost:5432/postrider"},
	{"postgres.direct_url", "the same as postgres.url"},
	{"postgres.replica_url", "none"}, {"postgres.replica_max_lag", "5s"},
	{"redis.url", "redis://localhost:6379/0"},
	{"redis.ca_file", "none"}, {"redis.cert_file", "none"}, {"redis.key_file", "none"}, {"redis.shards", "1, on a cluster 6"},
	{"api.listen", ":8080"},
	{"api.admin_key", "none"},
	{"api.rate_limit", "none"},
	{"console.url", "none"}, {"console.trusted_proxies", "none"},
	{"secrets.key", "none"},
	{"metrics.listen", ":9090 API, :9091 worker, :9092 scheduler"},
	{"metrics.endpoints", "0"},
	{"worker.concurrency", "512"}, {"worker.backlog_share", "0.5"},
	{"delivery.timeout", "10s"},
	{"delivery.retry_schedule", "[1m,5m,30m]"},
	{"delivery.max_in_flight", "64"},
	{"delivery.max_retries", "3"},
	{"delivery.retry_delay", "none"},
	{"breaker.failures", "20"},
	{"breaker.window", "60s"},
	{"breaker.disable_after", "5d"},
	{"operations.workspace", "none"},
	{"egress.allow", "none"},
	{"egress.https_only", "false"},
	{"egress.proxy", "none"},
	{"retention.deliveries", "30d"},
	{"retention.payloads", "the same as retention.deliveries"},
	{"tracing.endpoint", "none"}, {"tracing.propagate", "false"},
	{"log.level", "info"},
	{"log.format", "json"},
}

func TestReference_IsTheContractsTable(t *testing.T) {
	t.Parallel()
	var got [][2]string
	for _, s := range Reference() {
		got = append(got, [2]string{s.Key, s.Default()})
	}
	if diff := cmp.Diff(contract, got); diff != "" {
		t.Error(diff)
	}
}

func TestReference_NamesVariablesByTheRule(t *testing.T) {
	t.Parallel()
	for _, s := range Reference() {
		if want := "POSTRIDER_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_")); s.Env() != want {
			t.Errorf("%s: variable %s, want %s", s.Key, s.Env(), want)
		}
		if s.Meaning == "" || strings.HasSuffix(s.Meaning, ".") || strings.Contains(s.Meaning, "|") {
			t.Errorf("%s: meaning %q", s.Key, s.Meaning)
		}
	}
}

func TestMarkdownAndUsage_ShowEveryKeyWithItsDefault(t *testing.T) {
	t.Parallel()
	usage := strings.Join(strings.Fields(Usage(RoleWorker)), " ")
	for _, row := range contract {
		key, def := row[0], row[1]
		env := EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		if want := "| `" + key + "` | `" + env + "` | "; !strings.Contains(Markdown(), want) {
			t.Errorf("Markdown lacks %s", want)
		}
		if !strings.Contains(usage, "--"+key+" ") || !strings.Contains(usage, "[$"+env+"]") {
			t.Errorf("Usage lacks %s or %s:\n%s", key, env, Usage(RoleWorker))
		}
		if def != none && !strings.Contains(usage, "(default "+def+")") {
			t.Errorf("Usage lacks the default %s of %s", def, key)
		}
	}
	for _, flag := range []string{"--config file", "--help", "--version"} {
		if !strings.Contains(usage, flag) {
			t.Errorf("Usage lacks %s", flag)
		}
	}
	if strings.Contains(usage, "`") {
		t.Error("Usage holds Markdown")
	}
}
