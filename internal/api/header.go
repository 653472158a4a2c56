package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	maxHeaders     = 50
	maxHeaderBytes = 16 << 10
)

// checkHeaders checks an endpoint's custom headers.
func checkHeaders(headers map[string]string) []webhook.FieldError {
	if len(headers) > maxHeaders {
		return []webhook.FieldError{{Pointer: "/headers", Detail: fmt.Sprintf("must not have more than %d", maxHeaders)}}
	}
	var bad []webhook.FieldError
	size := 0
	seen := make(map[string]string, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		size += len(name) + len(value) + len(": \r\n")
		folded := strings.ToLower(name)
		detail := headerError(name, value)
		if other, twice := seen[folded]; twice {
			detail = fmt.Sprintf("is the same header as %s", other)
		}
		seen[folded] = name
		if detail != "" {
			bad = append(bad, webhook.FieldError{Pointer: child("/headers", name), Detail: detail})
		}
	}
	if size > maxHeaderBytes {
		bad = append(bad, webhook.FieldError{Pointer: "/headers", Detail: "must not be larger than 16 KiB in all"})
	}
	return bad
}

// headerError says what is wrong with one header.
func headerError(name, value string) string {
	switch {
	// Before its case is folded, which makes a K of the Kelvin sign.
	case !isToken(name):
		return "is no valid header name"
	case isReservedHeader(strings.ToLower(name)):
		return "is set by Postrider and can't be overridden"
	case value == webhook.Masked:
		return "*** stands for a value that is hidden; send the value itself"
	case !isFieldValue(value):
		return "must not hold control characters, or space at its ends"
	}
	return ""
}

// isReservedHeader knows, in lower case, what the contract sets, and what frames a message or
// belongs to one connection only.
func isReservedHeader(name string) bool {
	switch name {
	case "x-webhook-signature", "x-webhook-timestamp", "x-webhook-id", "x-webhook-event", "x-webhook-delivery",
		"x-webhook-attempt", "webhook-id", "webhook-timestamp", "webhook-signature",
		"host", "content-type", "content-length", "content-encoding", "user-agent", "transfer-encoding", "connection",
		"keep-alive", "te", "trailer", "trailers", "upgrade", "expect", "http2-settings", "accept-encoding":
		return true
	}
	return strings.HasPrefix(name, "proxy-")
}

func isToken(name string) bool {
	if name == "" || len(name) > 256 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			continue
		}
		return false
	}
	return true
}

// isFieldValue: visible characters, with spaces and tabs between them.
func isFieldValue(value string) bool {
	if value != strings.Trim(value, " \t") {
		return false
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
