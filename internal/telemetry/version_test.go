package telemetry

import (
	"regexp"
	"runtime/debug"
	"testing"
)

func TestModuleVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"v1.2.3": "1.2.3",
		"v0.0.0-20260101000000-abcdefabcdef+dirty": "0.0.0-20260101000000-abcdefabcdef+dirty",
		"(devel)": "dev",
		"":        "dev",
	}
	for in, want := range tests {
		if got := moduleVersion(&debug.BuildInfo{Main: debug.Module{Version: in}}); got != want {
			t.Errorf("module version %q: got %q, want %q", in, got, want)
		}
	}
}

func TestUserAgent_IsAProductWithAVersion(t *testing.T) {
	t.Parallel()
	// RFC 9110: product = token ["/" product-version], product-version = token.
	if ua := UserAgent(); !regexp.MustCompile(`^Postrider/[A-Za-z0-9.+_-]+$`).MatchString(ua) {
		t.Errorf("User-Agent %q", ua)
	}
}
