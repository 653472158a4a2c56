package queue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/redistest"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	c, other := redistest.NewCerts(t), redistest.NewCerts(t)
	server := redistest.TLS(t, c)
	whole := TLS{CAFile: c.CA, CertFile: c.ClientCert, KeyFile: c.ClientKey}
	for name, tt := range map[string]struct {
		url  string
		tls  TLS
		want string // of the error; "" is none
	}{
		"WithBothSidesKnown":   {"rediss://" + server.Addr(), whole, ""},
		"ToAStrangersServer":   {"rediss://" + server.Addr(), TLS{CAFile: other.CA, CertFile: c.ClientCert, KeyFile: c.ClientKey}, "certificate"},
		"ToAServerNobodyKnows": {"rediss://" + server.Addr(), TLS{CertFile: c.ClientCert, KeyFile: c.ClientKey}, "certificate"},
		"WithoutACertificate":  {"rediss://" + server.Addr(), TLS{CAFile: c.CA}, "certificate"},
		"AsAStranger":          {"rediss://" + server.Addr(), TLS{CAFile: c.CA, CertFile: other.ClientCert, KeyFile: other.ClientKey}, ""},
		"WithoutTLS":           {"redis://" + server.Addr(), TLS{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Open(Config{URL: tt.url, TLS: tt.tls})
			must(t, err)
			defer r.Close()
			err = r.Ping(t.Context())
			if works := name == "WithBothSidesKnown"; works != (err == nil) {
				t.Errorf("got %v", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want something about a %s", err, tt.want)
			}
		})
	}
}

// A certificate that is renewed serves for the connections made from then on.
func TestTLSReadsItsCertificateAnew(t *testing.T) {
	t.Parallel()
	c, other := redistest.NewCerts(t), redistest.NewCerts(t)
	mine := TLS{CAFile: c.CA, CertFile: filepath.Join(t.TempDir(), "cert"), KeyFile: filepath.Join(t.TempDir(), "key")}
	put := func(from redistest.Certs) {
		for to, file := range map[string]string{mine.CertFile: from.ClientCert, mine.KeyFile: from.ClientKey} {
			raw, err := os.ReadFile(file)
			must(t, err)
			must(t, os.WriteFile(to, raw, 0o600))
		}
	}
	put(other)
	r, err := Open(Config{URL: "rediss://" + redistest.TLS(t, c).Addr(), TLS: mine})
	must(t, err)
	defer r.Close()
	if err := r.Ping(t.Context()); err == nil {
		t.Error("a stranger's certificate is taken")
	}
	put(c)
	must(t, r.Ping(t.Context()))
}

func TestTLSRefuses(t *testing.T) {
	t.Parallel()
	c, other := redistest.NewCerts(t), redistest.NewCerts(t)
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, []byte("no PEM"), 0o600))
	for _, tt := range []struct {
		url, want string
		tls       TLS
	}{
		{"redis://h", "redis.ca_file: redis.url asks for no TLS", TLS{CAFile: c.CA}},
		{"redis+cluster://a,b?tls=false", "redis.cert_file: redis.url asks for no TLS", TLS{CertFile: c.ClientCert, KeyFile: c.ClientKey}},
		{"redis+sentinel://a/main", "redis.key_file: redis.url asks for no TLS", TLS{KeyFile: c.ClientKey}},
		{"unix:///run/redis.sock", "redis.ca_file: redis.url asks for no TLS", TLS{CAFile: c.CA}},
		{"rediss://h", "redis.cert_file and redis.key_file belong together", TLS{CertFile: c.ClientCert}},
		{"rediss://h", "redis.cert_file and redis.key_file belong together", TLS{KeyFile: c.ClientKey}},
		{"rediss://h", "redis.ca_file: open /nowhere", TLS{CAFile: "/nowhere"}},
		{"rediss://h", "redis.ca_file: " + empty + " has no certificate", TLS{CAFile: empty}},
		{"redis+cluster://a?tls=true", "redis.cert_file and redis.key_file: tls: private key does not match", TLS{CertFile: c.ClientCert, KeyFile: other.ClientKey}},
		{"redis+sentinel://a/main?tls=true", "redis.cert_file and redis.key_file: open /nowhere", TLS{CertFile: "/nowhere", KeyFile: c.ClientKey}},
	} {
		r, err := Open(Config{URL: tt.url, TLS: tt.tls})
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s with %+v: got %v, want %s", tt.url, tt.tls, err, tt.want)
		}
	}
}
