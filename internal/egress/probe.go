package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Probe looks at each step of the way to a URL, on a connection of its own, and
// sends no request.
func (s *Sender) Probe(ctx context.Context, rawURL string, timeout time.Duration) (p webhook.Probe) {
	u, h, err := s.policy.parseURL(rawURL)
	if err != nil {
		p.URL = err
		return p
	}
	a := newAttempt(ctx, h, cmp.Or(timeout, defaultTimeout))
	ctx, cancel := context.WithDeadline(ctx, a.deadline)
	defer cancel()
	a.enter(phaseDNS)
	addrs, err := s.policy.resolve(ctx, h)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: h.name, IsNotFound: true}
	}
	if err != nil {
		p.DNS = a.explain(ctx, &stageError{Stage: phaseDNS, Target: h.String(), Err: err})
		return p
	}
	for _, addr := range addrs {
		found := webhook.ProbedAddress{Address: addr.String()}
		if b := s.policy.judgeHost(h, addr); b != nil {
			found.Blocked = b.Reason()
		}
		p.Addresses = append(p.Addresses, found)
	}
	s.probeConnection(ctx, a, newTarget(u, h).route, &p)
	return p
}

func (s *Sender) probeConnection(ctx context.Context, a *attempt, to route, p *webhook.Probe) {
	began := time.Now()
	conn, err := s.dialer.dial(ctx, a, net.JoinHostPort(to.name, to.port))
	if err != nil {
		p.Connect = a.explain(ctx, err)
		return
	}
	defer conn.Close()
	p.Connected, p.ConnectAfter = conn.RemoteAddr().String(), time.Since(began)
	if s.dialer.proxy != nil {
		p.Connected = net.JoinHostPort(to.name, to.port) // where the proxy is, is nobody's business
	}
	if !to.tls {
		return
	}
	a.enter(phaseTLS)
	if p.TLS, err = s.probeTLS(ctx, a, conn, to); err != nil {
		p.TLSFailure = a.explain(ctx, err)
	}
}

func (s *Sender) probeTLS(ctx context.Context, a *attempt, conn net.Conn, to route) (*webhook.ProbedTLS, error) {
	name, err := serverName(net.JoinHostPort(to.name, to.port))
	if err != nil {
		return nil, err
	}
	config := s.dialer.tlsConfig(a, name)
	config.ClientSessionCache = nil // a resumed session shows no chain
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, &stageError{Stage: phaseTLS, Target: name, Err: err}
	}
	state := secure.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return nil, &stageError{Stage: phaseTLS, Target: name, Err: errors.New("no chain was verified")}
	}
	leaf := state.PeerCertificates[0]
	found := &webhook.ProbedTLS{Version: tls.VersionName(state.Version), Names: leaf.DNSNames, Issuer: leaf.Issuer.CommonName, Expires: leaf.NotAfter}
	for _, cert := range state.VerifiedChains[0] {
		if cert.NotAfter.Before(found.Expires) {
			found.Expires = cert.NotAfter
		}
	}
	return found, nil
}
