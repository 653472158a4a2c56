package api

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

func referenceHeaders(raw []byte) (map[string]string, bool) {
	names, values, ok := referenceMembers(raw)
	if !ok || len(names) > 50 {
		return nil, false
	}
	out, folded, size := map[string]string{}, map[string]bool{}, 0
	for i, name := range names {
		var value string
		if values[i][0] != '"' || json.Unmarshal(values[i], &value) != nil || !referenceHeader(name, value) {
			return nil, false
		}
		size += len(name) + len(value) + 4
		out[name], folded[strings.ToLower(name)] = value, true
	}
	return out, len(folded) == len(names) && size <= 16<<10
}

// referenceHeader: what the contract reserves is spelled out as it stands there,
// with the hop-by-hop headers of RFC 9110 and 7230 and what else frames a message.
func referenceHeader(name, value string) bool {
	reserved := "X-Webhook-Signature X-Webhook-Timestamp X-Webhook-ID X-Webhook-Event X-Webhook-Delivery X-Webhook-Attempt " +
		"webhook-id webhook-timestamp webhook-signature Content-Type User-Agent Host Content-Length " +
		"Connection Keep-Alive TE Trailer Trailers Transfer-Encoding Upgrade Expect Content-Encoding Accept-Encoding HTTP2-Settings"
	for own := range strings.FieldsSeq(reserved) {
		if strings.EqualFold(own, name) {
			return false
		}
	}
	return len(name) <= 256 && httpguts.ValidHeaderFieldName(name) && !strings.HasPrefix(strings.ToLower(name), "proxy-") &&
		httpguts.ValidHeaderFieldValue(value) && strings.Trim(value, " \t") == value && value != "***"
}

// FuzzHeaders holds checkHeaders against the rules of net/http's own checks: what
// is accepted here must be sendable, and must change no request.
func FuzzHeaders(f *testing.F) {
	for _, seed := range [][2]string{
		{"X-A", "b"}, {"Host", "evil"}, {"X-A", "b\r\nX-B: c"}, {"X-A: b\r\nX-B", "c"}, {"X-\u212aey", "b"}, {"x-webhook-id", "b"}, {"X A", "b"}, {"X-A", " b"}, {"", ""},
	} {
		f.Add(seed[0], seed[1], "X-Other", "c")
	}
	f.Fuzz(func(t *testing.T, name, value, other, otherValue string) {
		headers := map[string]string{name: value, other: otherValue}
		bad := checkHeaders(headers)
		want := len(headers) == 1 || !strings.EqualFold(name, other)
		size := 0
		for n, v := range headers {
			want = want && referenceHeader(n, v)
			size += len(n) + len(v) + 4
		}
		want = want && size <= 16<<10
		if (len(bad) == 0) != want {
			t.Fatalf("%q: %v, want them accepted: %t", headers, bad, want)
		}
	})
}
