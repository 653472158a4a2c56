package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// keywordDSN is the start of libpq's other form: host=… dbname=….
var keywordDSN = regexp.MustCompile(`^[a-z_]+\s*=`)

// postgresURL checks as much as can be told without the driver. url.Parse's own
// error would quote the password, so it is not passed on.
func postgresURL(s string) (string, error) {
	if keywordDSN.MatchString(s) {
		return s, nil
	}
	if hasScheme(s, "postgres", "postgresql") {
		if _, err := url.Parse(s); err == nil {
			return s, nil
		}
	}
	return "", errors.New(`must be a URL such as postgres://user:password@host:5432/database or a DSN such as "host=… dbname=…"`)
}

func redisURL(s string) (string, error) {
	schemes := []string{"redis", "rediss", "unix", "redis+sentinel", "redis+cluster"}
	if !hasScheme(s, schemes...) {
		return "", fmt.Errorf("must be a URL with the scheme %s", strings.Join(schemes, ", "))
	}
	// The list of hosts of a cluster is no valid URL to url.Parse.
	if !strings.Contains(s, ",") {
		if _, err := url.Parse(s); err != nil {
			return "", errors.New("must be a valid URL: escape what is special in its password")
		}
	}
	return s, nil
}

// fileName is any path; whoever opens it says what is wrong with it.
func fileName(s string) (string, error) {
	if strings.ContainsAny(s, "\x00\r\n") {
		return "", errors.New("must be the path of a file")
	}
	return s, nil
}

// hasScheme reports whether s is one of the schemes, "://" and something more.
func hasScheme(s string, schemes ...string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || rest == "" {
		return false
	}
	for _, want := range schemes {
		if scheme == want {
			return true
		}
	}
	return false
}

func proxyURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || !hasScheme(s, "http", "https") {
		return nil, errors.New("must be a URL such as http://proxy:3128, or none")
	}
	return u, nil
}

// collectorURL may have a path of its own; without one it is OTLP's.
func collectorURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || !hasScheme(s, "http", "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("must be a URL such as http://localhost:4318, without a user or a query, or none; OTEL_EXPORTER_OTLP_HEADERS has what it wants as a key")
	}
	return u, nil
}

// siteURL is a scheme and a host: the console's paths are its own.
func siteURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Scheme+"://"+u.Host != u.String() {
		return nil, errors.New("must be a URL such as https://webhooks.example.com, without a path, or none")
	}
	return u, nil
}

func listenAddress(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", errors.New("must be host:port or :port, with a port from 0 to 65535")
	}
	return s, nil
}

// network parses a CIDR or a single address. IPv4 in IPv6 becomes IPv4, since
// that is how a dialled address is compared.
func network(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if addr := p.Addr(); addr.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(addr.Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, errors.New("must be a network such as 10.0.0.0/8 or an address such as 10.1.2.3")
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// bearerKey takes what can stand in an Authorization header.
func bearerKey(s string) (string, error) {
	if s == "" {
		return "", errors.New("must not be empty")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "", errors.New("must be printable ASCII without spaces")
		}
	}
	return s, nil
}

// encryptionKey decodes 32 bytes of base64, of either alphabet, padded or not.
func encryptionKey(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("must be 32 bytes in base64, as openssl rand -base64 32 prints them")
	}
	return b, nil
}
