package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const hunter = "hunter2"

func secretInput() input {
	return input{role: RoleAPI, env: []string{
		"POSTRIDER_POSTGRES_URL=postgres://app:" + hunter + "@db/x?sslpassword=" + hunter,
		"POSTRIDER_POSTGRES_DIRECT_URL=host=db password = '" + hunter + " \\' x' dbname=x",
		"POSTRIDER_REDIS_URL=redis+cluster://:" + hunter + "@a:1,b:2,c",
		"POSTRIDER_EGRESS_PROXY=http://u:" + hunter + "@proxy:1",
		"POSTRIDER_API_ADMIN_KEY=" + hunter,
		"POSTRIDER_SECRETS_KEY=" + testKey,
	}}
}

func TestConfig_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	cfg := secretInput().mustLoad(t)
	var jsonLog, textLog bytes.Buffer
	slog.New(slog.NewJSONHandler(&jsonLog, nil)).Info("start", "config", cfg)
	slog.New(slog.NewTextHandler(&textLog, nil)).Info("start", "config", &cfg)
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	prints := map[string]string{
		"String": cfg.String(), "%v": fmt.Sprintf("%v", cfg), "%+v": fmt.Sprintf("%+v", &cfg), "%#v": fmt.Sprintf("%#v", cfg),
		"JSON": string(asJSON), "JSON log": jsonLog.String(), "text log": textLog.String(),
		"parts": fmt.Sprintf("%v %+v %v %+v %v", cfg.Postgres, cfg.Redis, cfg.API, cfg.Secrets, cfg.Egress),
	}
	for name, got := range prints {
		if strings.Contains(got, hunter) || strings.Contains(got, testKey[:8]) || strings.Contains(got, "1 2 3 4 5") {
			t.Errorf("%s leaks: %s", name, got)
		}
	}
	for _, want := range []string{
		"postgres.url=postgres://***@db/x?sslpassword=***\n", "postgres.direct_url=host=db password = *** dbname=x\n",
		"redis.url=redis+cluster://***@a:1,b:2,c\n", "egress.proxy=http://***@proxy:1\n", "api.admin_key=***\n", "secrets.key=***\n",
		"worker.concurrency=512\n", "api.rate_limit=none\n", "delivery.retry_schedule=[1m,5m,30m]\n", "retention.payloads=30d\n",
	} {
		if !strings.Contains(cfg.String(), want) {
			t.Errorf("String lacks %q:\n%s", want, cfg)
		}
	}
}

func TestConfig_ErrorsQuoteNoSecret(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"postgres.url", "postgres.direct_url", "postgres.replica_url", "redis.url", "egress.proxy", "secrets.key", "api.admin_key"} {
		for _, value := range []string{hunter + " x\x01", "postgres://u:" + hunter + "@h:port/\x01", "redis://:" + hunter + "@h:port"} {
			_, _, err := input{role: RoleAPI, args: []string{"--" + key, value}}.load(t)
			if err == nil || strings.Contains(err.Error(), hunter) {
				t.Errorf("%s=%q: error %v", key, value, err)
			}
		}
	}
}

func TestConfig_WithoutLoadPrintsNothing(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprintf("%+v", Config{API: API{AdminKey: hunter}}); got != "" {
		t.Errorf("got %q", got)
	}
}
