package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestValues_BadOnesNameTheKey(t *testing.T) {
	t.Parallel()
	const number = "must be a whole number from "
	tests := []struct{ key, value, want string }{
		{"worker.concurrency", "many", number + `1 to 100000, got "many" (POSTRIDER_WORKER_CONCURRENCY)`},
		{"worker.concurrency", "0", number}, {"worker.concurrency", "100001", number}, {"worker.concurrency", "1.5", number},
		{"worker.concurrency", "0x10", number}, {"worker.concurrency", "1e3", number}, {"worker.concurrency", "-1", number},
		{"worker.concurrency", "99999999999999999999", number}, {"worker.concurrency", "1_000", number},
		{"worker.backlog_share", "some", "must be a number from 0.01 to 1"}, {"worker.backlog_share", "0", "must be a number"},
		{"worker.backlog_share", "0.009", "must be a number"}, {"worker.backlog_share", "1.01", "must be a number"},
		{"worker.backlog_share", "-0.5", "must be a number"}, {"worker.backlog_share", "25%", "must be a number"},
		{"worker.backlog_share", "NaN", "must be a number"}, {"worker.backlog_share", "1e-1", "must be a number"},
		{"worker.backlog_share", "0x1p-2", "must be a number"}, {"worker.backlog_share", "0.2.5", "must be a number"},
		{"api.rate_limit", "0", number}, {"api.rate_limit", "fast", number},
		{"delivery.max_in_flight", "0", number}, {"delivery.max_in_flight", "10001", number},
		{"delivery.max_retries", "-1", number}, {"delivery.max_retries", "21", number},
		{"breaker.failures", "0", number},
		{"redis.shards", "0", number + "1 to 32"}, {"redis.shards", "33", number}, {"redis.shards", "auto", number},
		{"delivery.timeout", "soon", `must be a duration from 1s to 1m in whole seconds, such as 10s, got "soon"`},
		{"delivery.timeout", "500ms", "whole seconds"}, {"delivery.timeout", "1500ms", "whole seconds"},
		{"delivery.timeout", "61s", "whole seconds"}, {"delivery.timeout", "-1s", "whole seconds"},
		{"delivery.retry_schedule", "1m,soon", "item 2 must be a duration"}, {"delivery.retry_schedule", "1m,,5m", "item 2"},
		{"delivery.retry_schedule", "0s", "item 1"}, {"delivery.retry_schedule", "25h", "item 1"},
		{"delivery.retry_schedule", strings.Repeat("1m,", 20) + "1m", "must be a list of 0 to 20 values"},
		{"delivery.retry_schedule", strings.Repeat("24h,", 14) + "1s", "must be 14d in all at most"},
		{"delivery.retry_delay", "0", "must be a duration from 1ms to 1d"}, {"delivery.retry_delay", "2d", "must be a duration"},
		{"breaker.window", "-1s", "must be a duration from 0s"}, {"breaker.disable_after", "never", "must be a duration"},
		{"retention.deliveries", "23h", "must be a duration from 1d"}, {"retention.payloads", "30", "must be a duration from 1d"},
		{"postgres.url", "mysql://db/x", "must be a URL such as postgres://"}, {"postgres.url", "localhost", "must be a URL"},
		{"postgres.url", "postgres://", "must be a URL"}, {"postgres.direct_url", "nope", "must be a URL"},
		{"redis.url", "localhost:6379", "scheme redis, rediss, unix"}, {"redis.url", "http://redis", "scheme"}, {"redis.url", "redis://a b", "valid URL"},
		{"api.listen", "8080", "must be host:port"}, {"api.listen", ":http", "must be host:port"}, {"metrics.listen", ":65536", "must be host:port"},
		{"api.admin_key", "two words", "must be printable ASCII"}, {"api.admin_key", "schlüssel", "must be printable ASCII"},
		{"secrets.key", "c2hvcnQ=", "item 1 must be 32 bytes in base64"}, {"secrets.key", testKey + "," + "!!", "item 2"},
		{"secrets.key", testKey + ",", "item 2"}, {"secrets.key", testKey[:20] + "\n" + testKey[20:], "item 1"},
		{"operations.workspace", "a b", "must be a workspace id"},
		{"egress.allow", "10.0.0.0/33", "item 1 must be a network"}, {"egress.allow", "localhost", "item 1"}, {"egress.allow", "fe80::1%eth0", "item 1"},
		{"egress.https_only", "perhaps", "must be true or false"},
		{"console.url", "hooks.example.com", "must be a URL such as https://"}, {"console.url", "https://hooks.example.com/console", "without a path"},
		{"egress.proxy", "proxy:3128", "must be a URL such as http://"}, {"egress.proxy", "socks5://proxy", "must be a URL"}, {"egress.proxy", "http://", "must be a URL"},
		{"tracing.endpoint", "otel:4318", "must be a URL such as http://"}, {"tracing.endpoint", "http://u:p@otel", "OTEL_EXPORTER_OTLP_HEADERS"},
		{"log.level", "verbose", "must be one of debug, info, warn, error"}, {"log.format", "xml", "must be one of json, text"},
	}
	for _, tt := range tests {
		t.Run(tt.key+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			_, _, err := input{env: []string{find(tt.key).Env() + "=" + tt.value}}.load(t)
			wantError(t, err, tt.key+": ", tt.want)
			if n := strings.Count(err.Error(), "\n"); n > 0 {
				t.Errorf("one bad value gives %d lines: %v", n+1, err)
			}
		})
	}
}

func TestValues_AllBadOnesAreReportedWithTheirSource(t *testing.T) {
	t.Parallel()
	_, _, err := input{
		file: "worker: {concurrency: many}\n", env: []string{"POSTRIDER_LOG_LEVEL=loud"}, args: []string{"--log.format", ""},
	}.load(t)
	wantError(t, err, `worker.concurrency: must be a whole number from 1 to 100000, got "many" (postrider.yaml line 1)`,
		`got "loud" (POSTRIDER_LOG_LEVEL)`, `got "" (--log.format)`)
}

func TestValues_Durations(t *testing.T) {
	t.Parallel()
	good := map[string]time.Duration{
		"0": 0, "10": 10 * time.Second, "10s": 10 * time.Second, "1m30s": 90 * time.Second, "500ms": 500 * time.Millisecond,
		"5d": 5 * day, "30d": 30 * day, "1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "2d1h1m1s": 49*time.Hour + 61*time.Second, "0d": 0,
	}
	for in, want := range good {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "d", "s", "-1d", "+1d", "1d-1h", "1d+1h", "1h1d", "1d1d", "1e3d", "infd", "1.2.3d", "999999999d", "106751d24h", "1d5", "five"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("%q was taken as %s", in, got)
		}
	}
}

func TestValues_DurationsReadBackAsTheyArePrinted(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 90 * time.Second: "1m30s", time.Minute: "1m", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		20 * time.Hour: "20h", day: "1d", 36 * time.Hour: "36h", 14 * day: "14d", time.Hour + time.Second: "1h0m1s",
	} {
		got := formatDuration(d)
		if back, err := parseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%s: printed as %s, want %s, read back as %s (%v)", d, got, want, back, err)
		}
	}
}

func TestValues_ListsHaveManyForms(t *testing.T) {
	t.Parallel()
	want := []time.Duration{time.Minute, 5 * time.Minute}
	for name, in := range map[string]input{
		"YAMLFlow":     {file: "delivery: {retry_schedule: [1m, 5m]}"},
		"YAMLBlock":    {file: "delivery:\n  retry_schedule:\n    - 1m\n    - 300\n"},
		"YAMLText":     {file: "delivery: {retry_schedule: '1m,5m'}"},
		"Variable":     {env: []string{"POSTRIDER_DELIVERY_RETRY_SCHEDULE=1m,5m"}},
		"Spaces":       {env: []string{"POSTRIDER_DELIVERY_RETRY_SCHEDULE= 1m , 5m "}},
		"Seconds":      {env: []string{"POSTRIDER_DELIVERY_RETRY_SCHEDULE=60,300"}},
		"Brackets":     {env: []string{"POSTRIDER_DELIVERY_RETRY_SCHEDULE=[1m, 5m]"}},
		"Flag":         {args: []string{"--delivery.retry_schedule", "1m,5m"}},
		"FlagBrackets": {args: []string{"--delivery.retry_schedule=[60,300]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := in.mustLoad(t).Delivery.RetrySchedule; !slices.Equal(got, want) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestValues_EmptyScheduleIsNoRetry(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]input{
		"YAML":     {file: "delivery: {retry_schedule: []}"},
		"Variable": {env: []string{"POSTRIDER_DELIVERY_RETRY_SCHEDULE=[]"}},
		"None":     {env: []string{"POSTRIDER_DELIVERY_RETRY_SCHEDULE=none"}},
		"Flag":     {args: []string{"--delivery.retry_schedule="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := in.mustLoad(t).Delivery
			if len(d.RetrySchedule) != 0 || len(d.DefaultSchedule()) != 0 {
				t.Errorf("got %+v, in effect %s", d, d.DefaultSchedule())
			}
		})
	}
}

func TestValues_EncryptionKeysInEveryBase64NewestFirst(t *testing.T) {
	t.Parallel()
	for _, second := range []string{testKey2, testKey2 + "=", strings.ReplaceAll(testKey2, "_", "/"), strings.ReplaceAll(testKey2, "_", "/") + "="} {
		got := input{env: []string{"POSTRIDER_SECRETS_KEY=" + testKey + ", " + second}}.mustLoad(t).Secrets.Keys
		if len(got) != 2 || !slices.Equal(got[0], bytesOf(0, 1)) || !slices.Equal(got[1], bytesOf(255, 0)) {
			t.Errorf("second key %q: got %x", second, got)
		}
	}
}

func TestValues_NetworksAreNormalised(t *testing.T) {
	t.Parallel()
	got := input{env: []string{"POSTRIDER_EGRESS_ALLOW=10.1.2.3/8, 192.168.0.1,::1,::ffff:10.0.0.1,::ffff:10.0.0.0/104,fd00::/8"}}.mustLoad(t).Egress.Allow
	var want []netip.Prefix
	for _, s := range []string{"10.0.0.0/8", "192.168.0.1/32", "::1/128", "10.0.0.1/32", "10.0.0.0/8", "fd00::/8"} {
		want = append(want, netip.MustParsePrefix(s))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValues_NoneTurnsAnOptionalSettingOff(t *testing.T) {
	t.Parallel()
	file := "api: {rate_limit: 5}\ndelivery: {retry_delay: 5s}\noperations: {workspace: ops}\negress: {proxy: 'http://p:1', allow: ['::1']}\n"
	for _, off := range []string{"", "none"} {
		cfg := input{file: file, args: []string{
			"--api.rate_limit=" + off, "--delivery.retry_delay=" + off, "--operations.workspace=" + off, "--egress.proxy=" + off, "--egress.allow=" + off,
		}}.mustLoad(t)
		if cfg.API.RateLimit != 0 || cfg.Delivery.RetryDelay != 0 || cfg.Operations.Workspace != "" || cfg.Egress.Proxy != nil || len(cfg.Egress.Allow) != 0 {
			t.Errorf("%q: got\n%s", off, cfg)
		}
	}
}

func TestValues_URLs(t *testing.T) {
	t.Parallel()
	for key, values := range map[string][]string{
		"postgres.url": {"postgres://u:p%40w@h/db", "postgres:///db?host=/run/postgresql", "host=/run dbname=x user=y", "user = y", "postgres://a:1,b:2/db"},
		"redis.url": {
			"redis://h", "rediss://u:p@h:6380/1", "unix:///run/redis.sock?db=1", "redis+sentinel://h1:26379,h2:26379/master/0", "redis+cluster://a,b,c",
		},
		"egress.proxy": {"http://u:p@proxy:1", "https://proxy"},
	} {
		for _, value := range values {
			if _, _, err := (input{env: []string{find(key).Env() + "=" + value}}).load(t); err != nil {
				t.Errorf("%s: %q: %v", key, value, err)
			}
		}
	}
}

func TestValues_BacklogShareTakesItsBounds(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]float64{"0.01": 0.01, ".5": 0.5, "1": 1, "1.0": 1} {
		if got := (input{env: []string{"POSTRIDER_WORKER_BACKLOG_SHARE=" + value}}).mustLoad(t).Worker.BacklogShare; got != want {
			t.Errorf("%s: got %g", value, got)
		}
	}
}
