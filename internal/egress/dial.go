package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// dialer opens connections to receivers, straight or through the proxy, and
// only to addresses that the policy allows.
type dialer struct {
	policy *Policy
	direct net.Dialer
	proxy  *proxy // nil without one
	tls    *tls.Config
	opened prometheus.Counter
}

func newDialer(policy *Policy, through *proxy, config *tls.Config, opened prometheus.Counter) *dialer {
	d := &dialer{policy: policy, proxy: through, tls: config, opened: opened}
	d.direct.ControlContext = d.control
	return d
}

// control runs after the address is chosen and before the socket connects: no
// name, cache or resolver can get in between.
func (d *dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("judge %q: %w", address, err)
	}
	return d.judge(target.Addr())
}

func (d *dialer) judge(addr netip.Addr) error {
	if b := d.policy.Judge(addr); b != nil {
		return b
	}
	return nil
}

// stageError says at which step a connection failed. Target is the name or
// address that the step was about.
type stageError struct {
	Stage  phase
	Target string
	Err    error
}

func (e *stageError) Error() string { return e.Target + ": " + e.Err.Error() }
func (e *stageError) Unwrap() error { return e.Err }

// open makes a connection for an attempt, within its deadline.
func (d *dialer) open(ctx context.Context, a *attempt, to route) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, a.deadline)
	defer cancel()
	address := net.JoinHostPort(to.name, to.port)
	if to.tls {
		return d.dialTLS(ctx, a, address)
	}
	return d.dial(ctx, a, address)
}

// dial resolves and connects; address is host:port.
func (d *dialer) dial(ctx context.Context, a *attempt, address string) (net.Conn, error) {
	name, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	a.enter(phaseDNS)
	h, addrs, err := d.lookup(ctx, name)
	if err != nil {
		return nil, &stageError{Stage: phaseDNS, Target: name, Err: err}
	}
	a.enter(phaseConnect)
	if b := d.refused(h, addrs); b != nil {
		return nil, b
	}
	conn, err := d.connectAny(ctx, addrs[:min(len(addrs), maxAddrs)], port)
	if err != nil {
		return nil, err
	}
	d.opened.Inc()
	return conn, nil
}

// lookup returns at least one address, or an error.
func (d *dialer) lookup(ctx context.Context, name string) (host, []netip.Addr, error) {
	h, err := parseHost(name)
	if err != nil {
		return h, nil, err
	}
	addrs, err := d.policy.resolve(ctx, h)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: name, IsNotFound: true}
	}
	return h, addrs, err
}

// refused holds local names to all their addresses, as when they are saved: one that
// is not allowed refuses the name. Of other names such addresses are left out, each
// by itself.
func (d *dialer) refused(h host, addrs []netip.Addr) error {
	if !h.isLocal() {
		return nil
	}
	for _, addr := range addrs {
		if b := d.policy.judgeHost(h, addr); b != nil {
			return b
		}
	}
	return nil
}

func splitAddress(address string) (name string, port uint16, err error) {
	name, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("split %q: %w", address, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port of %q: %w", address, err)
	}
	return name, uint16(n), nil
}

// connectAny tries the addresses in order. When all fail, the last one that was
// not blocked speaks for them.
func (d *dialer) connectAny(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	var failed error
	for i, addr := range addrs {
		target := netip.AddrPortFrom(addr, port)
		conn, err := d.connectOne(ctx, target, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if failed == nil || !isBlocked(err) {
			failed = &stageError{Stage: phaseConnect, Target: target.String(), Err: err}
		}
	}
	return nil, failed
}

// connectOne gives the address its share of the time left, so that one that
// swallows packets does not use up the others'.
func (d *dialer) connectOne(ctx context.Context, target netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share := max(time.Until(deadline)/time.Duration(left), 2*time.Second)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	if d.proxy == nil {
		return d.direct.DialContext(ctx, "tcp", target.String())
	}
	// The proxy opens the connection, out of sight of control: judge here.
	if err := d.judge(target.Addr()); err != nil {
		return nil, err
	}
	return d.proxy.connect(ctx, target)
}

// dialTLS is dial with TLS on top.
func (d *dialer) dialTLS(ctx context.Context, a *attempt, address string) (net.Conn, error) {
	raw, err := d.dial(ctx, a, address)
	if err != nil {
		return nil, err
	}
	a.enter(phaseTLS)
	name, err := serverName(address)
	if err != nil {
		raw.Close()
		return nil, err
	}
	conn := tls.Client(raw, d.tlsConfig(a, name))
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &stageError{Stage: phaseTLS, Target: name, Err: err}
	}
	return conn, nil
}

// tlsConfig is for one connection, and notices for a that the receiver asks for a
// client's certificate: with TLS 1.3 it refuses its absence only later.
func (d *dialer) tlsConfig(a *attempt, name string) *tls.Config {
	config := d.tls.Clone()
	config.ServerName = name
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		a.wantsCertificate = true
		return &tls.Certificate{}, nil // none
	}
	return config
}

// serverName is what the certificate must be for: the host as it is dialled.
func serverName(address string) (string, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("split %q: %w", address, err)
	}
	h, err := parseHost(name)
	if err != nil {
		return "", fmt.Errorf("the host %w", err)
	}
	return h.String(), nil
}
