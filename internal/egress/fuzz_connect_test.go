package egress

import (
	"bytes"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// FuzzConnectAnswer holds that a proxy's tunnel is open only when it said so, and
// said nothing more.
func FuzzConnectAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nx",
		"HTTP/1.1 +20 OK\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX", "HTTP/1.1 299 \n\n",
	} {
		f.Add([]byte(seed))
	}
	open := regexp.MustCompile(`^HTTP/\d\.\d 2\d\d(?: [^\n]*)?\r?\n(?s:.*)$`)
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := &recorded{in: bytes.NewReader(answer)}
		err := (&proxy{}).tunnel(conn, netip.MustParseAddrPort("192.0.2.1:443"))
		if err != nil {
			return
		}
		if !open.Match(answer) {
			t.Fatalf("%q opens the tunnel", answer)
		}
		head := strings.ReplaceAll(string(answer[:len(answer)-conn.in.Len()]), "\r\n", "\n")
		if !strings.HasSuffix(head, "\n\n") || conn.in.Len() > 0 {
			t.Fatalf("%q opens the tunnel, %d bytes follow", answer, conn.in.Len())
		}
	})
}
