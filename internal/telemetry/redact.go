package telemetry

import (
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"time"
)

const redacted = "***"

// secretNames are attributes that never hold anything fit to log, whether alone
// or after a dot or underscore, as in endpoint_secret or api.admin_key.
// Payloads and bodies are the customers' data and belong in no log either.
var secretNames = []string{
	"secret", "secrets", "password", "passphrase", "token", "authorization", "cookie",
	"api_key", "admin_key", "private_key", "credentials", "signature",
	"payload", "body", "headers",
}

// secretText finds what is secret wherever it stands: endpoint secrets, API keys,
// bearer tokens, and users and passwords in URLs. The part of a match that may
// stay is its first group.
var secretText = regexp.MustCompile(`(whsec_)[A-Za-z0-9+/=_-]+|\b(pr_)[A-Za-z0-9_-]{32}|((?i:bearer) )[^\s"']+|(://)[^\s/"'?#]*@`)

// replace is the last look at every attribute. It is a net under code that
// should not log such things to begin with, and keeps times in UTC and durations
// readable: JSON would show bare nanoseconds.
func replace(_ []string, a slog.Attr) slog.Attr {
	if isSecretName(a.Key) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Redact(a.Value.String()))
	case slog.KindTime:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindAny:
		a.Value = redactAny(a.Value.Any())
	}
	return a
}

func redactAny(v any) slog.Value {
	switch v := v.(type) {
	case nil, *slog.Source:
		return slog.AnyValue(v)
	case time.Time:
		return slog.TimeValue(v.UTC())
	case error, fmt.Stringer:
		return slog.StringValue(Redact(fmt.Sprint(v)))
	}
	if isPlain(reflect.TypeOf(v)) {
		return slog.StringValue(Redact(fmt.Sprint(v)))
	}
	// A struct, a map or bytes: nobody can tell what is in there.
	return slog.StringValue(fmt.Sprintf("(%T)", v))
}

// isPlain tells numbers, truth values, strings and lists of them.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return t.Elem().Kind() != reflect.Uint8 && isPlain(t.Elem())
	case reflect.Struct, reflect.Map, reflect.Pointer, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return false
	}
	return true
}

// Redact hides secrets that stand inside a text, such as an error's.
func Redact(s string) string {
	// The cheap test first: this runs for every string of every line.
	if !strings.Contains(s, "whsec_") && !strings.Contains(s, "pr_") &&
		!strings.Contains(s, "://") && !strings.Contains(s, "earer ") && !strings.Contains(s, "EARER ") {
		return s
	}
	return secretText.ReplaceAllStringFunc(s, func(found string) string {
		m := secretText.FindStringSubmatch(found)
		if m[4] != "" {
			return m[4] + redacted + "@"
		}
		return m[1] + m[2] + m[3] + redacted
	})
}

func isSecretName(key string) bool {
	key = strings.ToLower(key)
	for _, name := range secretNames {
		before, ok := strings.CutSuffix(key, name)
		if ok && (before == "" || strings.ContainsRune("._-", rune(before[len(before)-1]))) {
			return true
		}
	}
	return false
}
