package webhook_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func secretOf(n int) string {
	return webhook.SecretPrefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n))
}

func TestSecret(t *testing.T) {
	t.Parallel()

	t.Run("GeneratedOnesAreValidAndDiffer", func(t *testing.T) {
		t.Parallel()
		a, b := webhook.NewSecret(), webhook.NewSecret()
		if !webhook.ValidSecret(a) || a == b || len(a) != len(webhook.SecretPrefix)+32 {
			t.Errorf("got %s and %s", a, b)
		}
	})

	t.Run("Has24To64Bytes", func(t *testing.T) {
		t.Parallel()
		for n, want := range map[int]bool{0: false, 16: false, 23: false, 24: true, 25: true, 32: true, 64: true, 65: false} {
			if got := webhook.ValidSecret(secretOf(n)); got != want {
				t.Errorf("%d bytes: %v", n, got)
			}
		}
	})

	t.Run("HasOneSpelling", func(t *testing.T) {
		t.Parallel()
		good := secretOf(25) // ends in padding
		text := strings.TrimPrefix(good, webhook.SecretPrefix)
		for name, bad := range map[string]string{
			"Empty": "", "PrefixOnly": "whsec_", "NoPrefix": text, "UpperPrefix": "WHSEC_" + text,
			"NoPadding": strings.TrimRight(good, "="), "URLAlphabet": strings.NewReplacer("+", "-", "/", "_").Replace(good),
			"TrailingBits": secretOf(25)[:len(good)-3] + "x==", "LineBreak": good[:20] + "\n" + good[20:], "CRLF": good + "\r\n",
			"Space": good + " ", "Two": good + " " + good,
		} {
			if webhook.ValidSecret(bad) {
				t.Errorf("%s: %q is taken", name, bad)
			}
		}
		if !webhook.ValidSecret(good) {
			t.Errorf("%q is refused", good)
		}
	})
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	a, b := webhook.NewAPIKey(), webhook.NewAPIKey()
	if a == b || len(a) != 35 || !strings.HasPrefix(a, webhook.APIKeyPrefix) {
		t.Errorf("got %s and %s", a, b)
	}
	if bytes.Equal(webhook.HashAPIKey(a), webhook.HashAPIKey(b)) || !bytes.Equal(webhook.HashAPIKey(a), webhook.HashAPIKey(a)) {
		t.Error("a hash is not its key's alone")
	}
	k := webhook.Key{Scopes: []webhook.Scope{webhook.ScopeEventsRead}}
	if !k.Allows(webhook.ScopeEventsRead) || k.Allows(webhook.ScopeEventsWrite) {
		t.Error("a key allows what it has no scope for")
	}
}
