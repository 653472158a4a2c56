package queue

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
)

// TLS is what a connection needs besides a URL that asks for it; zero values are
// defaults.
type TLS struct {
	// CAFile has the certificates, in PEM, that the servers' are signed with. Default the
	// system's.
	CAFile string
	// CertFile and KeyFile are this client's, for servers that want one. They are read at
	// each connection, so that they can be renewed. Default none.
	CertFile, KeyFile string
}

// apply adds to a configuration what is set. Its errors name the setting.
func (t TLS) apply(o *redis.UniversalOptions) error {
	if t == (TLS{}) {
		return nil
	}
	if o.TLSConfig == nil {
		return fmt.Errorf("%s: redis.url asks for no TLS: use rediss://, or ?tls=true after the hosts of a cluster or of sentinels", t.firstGiven())
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("redis.cert_file and redis.key_file belong together: one of them is missing")
	}
	if err := t.trust(o.TLSConfig); err != nil {
		return fmt.Errorf("redis.ca_file: %w", err)
	}
	if t.CertFile == "" {
		return nil
	}
	if _, err := t.certificate(); err != nil {
		return err
	}
	o.TLSConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.certificate() }
	return nil
}

func (t TLS) firstGiven() string {
	switch {
	case t.CAFile != "":
		return "redis.ca_file"
	case t.CertFile != "":
		return "redis.cert_file"
	default:
		return "redis.key_file"
	}
}

func (t TLS) trust(c *tls.Config) error {
	if t.CAFile == "" {
		return nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return err
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s has no certificate in PEM", t.CAFile)
	}
	return nil
}

func (t TLS) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("redis.cert_file and redis.key_file: %w", err)
	}
	return &pair, nil
}
