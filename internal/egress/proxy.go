package egress

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// proxy reaches receivers through the HTTP proxy of egress.proxy, by CONNECT for
// https and plain http alike, and always to an address that was resolved and
// judged here: were the proxy handed the name, it would resolve it once more and
// could be led elsewhere. The name still goes to the receiver, as SNI and Host.
// The proxy's own address is the operator's choice and is judged by nobody.
type proxy struct {
	address string // host:port
	auth    string // value of Proxy-Authorization, or empty
	tls     *tls.Config
	dialer  net.Dialer
}

// newProxy reads http:// and https:// URLs, with the proxy's user name and
// password where it wants them.
func newProxy(u *url.URL, base *tls.Config) (*proxy, error) {
	if u.Hostname() == "" {
		return nil, errors.New("egress.proxy: the host is missing")
	}
	p := &proxy{}
	port := u.Port()
	switch u.Scheme {
	case "http":
		port = cmp.Or(port, "80")
	case "https":
		port = cmp.Or(port, "443")
		p.tls = base.Clone()
		p.tls.ServerName = u.Hostname()
	default:
		return nil, fmt.Errorf("egress.proxy: the scheme must be http or https, not %q", u.Scheme)
	}
	p.address = net.JoinHostPort(u.Hostname(), port)
	if u.User != nil {
		password, _ := u.User.Password()
		p.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return p, nil
}

// proxyError is a failure at or by the proxy. Status is 0 when it gave no answer.
type proxyError struct {
	Status int
	Err    error
}

func (e *proxyError) Error() string {
	if e.Err != nil {
		return "proxy: " + e.Err.Error()
	}
	return fmt.Sprintf("proxy: CONNECT answered %d", e.Status)
}

func (e *proxyError) Unwrap() error { return e.Err }

// connect returns a connection to target that runs through the proxy.
func (p *proxy) connect(ctx context.Context, target netip.AddrPort) (net.Conn, error) {
	conn, err := p.dialer.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, &proxyError{Err: err}
	}
	if p.tls != nil {
		conn = tls.Client(conn, p.tls)
	}
	// The exchange below knows no context: a deadline in the past is what ends it.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = p.tunnel(conn, target)
	if !stop() && err == nil {
		err = &proxyError{Err: ctx.Err()}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (p *proxy) tunnel(conn net.Conn, target netip.AddrPort) error {
	request := "CONNECT " + target.String() + " HTTP/1.1\r\nHost: " + target.String() + "\r\n"
	if p.auth != "" {
		request += "Proxy-Authorization: " + p.auth + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return &proxyError{Err: err}
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxHeaderBytes))
	status, err := readStatus(textproto.NewReader(answer))
	if err != nil {
		return &proxyError{Err: err}
	}
	if status < 200 || status > 299 {
		return &proxyError{Status: status}
	}
	if answer.Buffered() > 0 {
		// Neither TLS nor HTTP lets the far side speak first.
		return &proxyError{Err: errors.New("bytes after the answer to CONNECT")}
	}
	return nil
}

// readStatus reads an answer's headers and returns its status. http.ReadResponse
// would take the tunnel for the answer's body.
func readStatus(r *textproto.Reader) (int, error) {
	line, err := r.ReadLine()
	if err != nil {
		return 0, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if _, _, ok := http.ParseHTTPVersion(version); !ok || err != nil || len(code) != 3 {
		return 0, errors.New("the answer to CONNECT is not HTTP")
	}
	_, err = r.ReadMIMEHeader()
	return status, err
}
