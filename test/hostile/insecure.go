package hostile

import (
	"crypto/tls"
	"testing"
)

// insecure receivers have a TLS that is not to be trusted, or not understood.
func insecure() []Behaviour {
	all := []Behaviour{
		{Name: "Expired", Does: "has a certificate that expired", Config: with(func(t testing.TB, a *Authority) tls.Certificate {
			return a.Issue(t, Validity{"2020-01-01", "2026-01-02"}, "127.0.0.1")
		})},
		{Name: "OtherName", Does: "has a certificate for another name", Config: with(func(t testing.TB, a *Authority) tls.Certificate {
			return a.Issue(t, Always(), "other.example", "www.other.example")
		})},
		{Name: "SelfSigned", Does: "has a certificate that signs itself", Config: with(func(t testing.TB, _ *Authority) tls.Certificate {
			return (*Authority)(nil).Issue(t, Always(), "127.0.0.1")
		})},
		{Name: "UnknownCA", Does: "has a certificate of an authority that nobody knows", Config: with(func(t testing.TB, _ *Authority) tls.Certificate {
			return NewAuthority(t, "Unknown CA").Issue(t, Always(), "127.0.0.1")
		})},
		{Name: "TLS10", Does: "speaks no TLS newer than 1.0", Config: func(t testing.TB, a *Authority) *tls.Config {
			config := with(trusted)(t, a)
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
			return config
		}},
		{Name: "WantsClientCert", Does: "demands a client certificate", Config: func(t testing.TB, a *Authority) *tls.Config {
			config := with(trusted)(t, a)
			config.ClientAuth = tls.RequireAnyClientCert
			return config
		}},
		{Name: "WantsClientCertOfTLS12", Does: "demands a client certificate", Config: func(t testing.TB, a *Authority) *tls.Config {
			config := with(trusted)(t, a)
			config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
			return config
		}},
		{Name: "WantsOtherProtocol", Does: "demands another protocol (ALPN) than HTTP/1.1", Config: func(t testing.TB, a *Authority) *tls.Config {
			config := with(trusted)(t, a)
			config.NextProtos = []string{"spdy/1"}
			return config
		}},
	}
	for i := range all {
		all[i].Serve = answers(ok, "Content-Length: 2\r\n\r\nok")
	}
	all = append(all,
		Behaviour{Name: "PlainHTTP", Does: "speaks plain HTTP where the URL says https", Serve: func(c *Conn) {
			c.Send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			c.Stay()
		}},
		Behaviour{Name: "ServerHelloOfTLS10", Does: "answers TLS 1.2 with TLS 1.0", Serve: func(c *Conn) {
			if _, err := c.Read(make([]byte, 4096)); err == nil {
				c.Send(oldHello())
			}
			c.Stay()
		}})
	for i := range all {
		all[i].HTTPS = true
	}
	return all
}

func trusted(t testing.TB, a *Authority) tls.Certificate { return a.Issue(t, Always(), "127.0.0.1") }

func with(issue func(testing.TB, *Authority) tls.Certificate) func(testing.TB, *Authority) *tls.Config {
	return func(t testing.TB, a *Authority) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{issue(t, a)}}
	}
}

// oldHello is a ServerHello of TLS 1.0, as servers send it that know nothing newer:
// version, random, no session, one cipher suite, no compression.
func oldHello() string {
	body := "\x03\x01" + string(make([]byte, 32)) + "\x00" + "\x00\x2f" + "\x00"
	hello := "\x02\x00\x00" + string(rune(len(body))) + body
	return "\x16\x03\x01\x00" + string(rune(len(hello))) + hello
}
