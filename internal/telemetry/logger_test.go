package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func logged(t *testing.T, attrs ...any) string {
	t.Helper()
	var out bytes.Buffer
	logger, err := NewLogger(&out, LogConfig{Role: "worker", Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("attempt finished", attrs...)
	return out.String()
}

func TestLogger_WritesJSONWithRoleAndVersion(t *testing.T) {
	t.Parallel()
	line := logged(t, KeyDeliveryID, "dlv_1", KeyAttempt, 2, KeyDurationMS, 15, "ok", true)
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	want := map[string]any{
		"level": "INFO", "msg": "attempt finished", "role": "worker", "version": "1.2.3",
		"delivery_id": "dlv_1", "attempt": 2.0, "duration_ms": 15.0, "ok": true,
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %v, want %v", key, got[key], value)
		}
	}
	if at, _ := got["time"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("time %q is not UTC", at)
	}
}

func TestLogger_WritesTextAndHonoursTheLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := NewLogger(&out, LogConfig{Format: "text", Level: slog.LevelWarn})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("quiet")
	logger.Warn("loud", "n", 1)
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "level=WARN msg=loud n=1") {
		t.Errorf("log is %q", got)
	}
}

func TestLogger_RefusesAnUnknownFormat(t *testing.T) {
	t.Parallel()
	if _, err := NewLogger(&bytes.Buffer{}, LogConfig{Format: "xml"}); err == nil {
		t.Error("format xml was taken")
	}
}

// named makes an attribute whose name is not in our own style.
func named(key, value string) slog.Attr {
	return slog.Attr{Key: key, Value: slog.StringValue(value)}
}

type account struct{ Name, PIN string }

func TestLogger_HidesSecrets(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2hunter2hunter2hunter2hunter2x"
	proxy := &url.URL{Scheme: "http", User: url.UserPassword("u", hidden), Host: "proxy:3128"}
	attrs := map[string]slog.Attr{
		"UnderASecretName":         slog.String("secret", hidden),
		"UnderASuffixedName":       slog.String("endpoint_secret", hidden),
		"UnderADottedName":         named("api.admin_key", hidden),
		"WhateverTheCase":          named("Authorization", hidden),
		"UnderAHeaderName":         named("set-cookie", hidden),
		"InAGroup":                 slog.Group("endpoint", slog.String("secret", hidden)),
		"Payloads":                 slog.String("payload", hidden),
		"ResponseBodies":           slog.String("response_body", hidden),
		"InAHeaderMap":             slog.Any("sent", http.Header{"X-Key": {hidden}}),
		"InBytes":                  slog.Any("raw", []byte(hidden)),
		"InAStruct":                slog.Any("account", account{"a", hidden}),
		"InAPointerToAStruct":      slog.Any("account", &account{"a", hidden}),
		"InAMap":                   slog.Any("metadata", map[string]string{"a": hidden}),
		"EndpointSecretInText":     slog.String("note", "key is whsec_"+hidden),
		"APIKeyInText":             slog.String("note", "key is pr_"+hidden[:32]+"."),
		"BearerInText":             slog.String("note", "sent Bearer "+hidden),
		"UserinfoInAURL":           slog.String("url", "https://u:"+hidden+"@example.com/x"),
		"UserinfoInAURLValue":      slog.Any("url", proxy),
		"UserinfoInAnError":        slog.Any("error", fmt.Errorf("dial: %w", errors.New("redis://:"+hidden+"@r:6379"))),
		"EndpointSecretInASlice":   slog.Any("notes", []string{"whsec_" + hidden}),
		"EndpointSecretInStringer": slog.Any("note", stringer("whsec_"+hidden)),
	}
	for name, attr := range attrs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if line := logged(t, attr); strings.Contains(line, hidden[:20]) {
				t.Errorf("leaked: %s", line)
			}
		})
	}
}

type stringer string

func (s stringer) String() string { return string(s) }

func TestLogger_KeepsWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	attrs := map[string]struct {
		attr slog.Attr
		want string
	}{
		"IDs":              {slog.String("delivery_id", "dlv_01jabc"), `"delivery_id":"dlv_01jabc"`},
		"AKeyThatIsNone":   {slog.String("idempotency_key", "abc"), `"idempotency_key":"abc"`},
		"NamesThatEndSo":   {slog.String("somebody", "abc"), `"somebody":"abc"`},
		"URLs":             {slog.String("url", "https://example.com/a?b=c@d"), `"url":"https://example.com/a?b=c@d"`},
		"PrefixesInWords":  {slog.String("note", "pr_short and whsec_"), `"note":"pr_short and whsec_"`},
		"DurationsAsText":  {slog.Duration("took", 1500*time.Millisecond), `"took":"1.5s"`},
		"Numbers":          {slog.Any("n", []int{1, 2}), `"n":"[1 2]"`},
		"Errors":           {slog.Any("error", errors.New("refused")), `"error":"refused"`},
		"NilErrors":        {slog.Any("error", error(nil)), `"error":null`},
		"NilURLs":          {slog.Any("proxy", (*url.URL)(nil)), `"proxy":"<nil>"`},
		"TypesOfStructs":   {slog.Any("a", account{}), `"a":"(telemetry.account)"`},
		"StringsOfANewSet": {slog.Any("ids", []string{"a", "b"}), `"ids":"[a b]"`},
	}
	for name, tt := range attrs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if line := logged(t, tt.attr); !strings.Contains(line, tt.want) {
				t.Errorf("no %s in %s", tt.want, line)
			}
		})
	}
}
