package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// maxHeaderBytes bounds the headers of an answer, together with those of the
	// informational (1xx) answers before it.
	maxHeaderBytes = 64 << 10
	// maxIdleConns bounds the idle connections to all hosts together.
	maxIdleConns = 2048
	// tlsSessions bounds the sessions kept to resume; one costs a few KiB.
	tlsSessions = 1024
	idleTimeout = 75 * time.Second
)

// SenderConfig holds what a Sender can do without.
type SenderConfig struct {
	// Proxy is egress.proxy, an http or https URL. Default: none; the HTTP_PROXY
	// variables are not read.
	Proxy *url.URL
	// RootCAs sign the certificates of receivers and proxy. Default: the system's.
	RootCAs *x509.CertPool
	// MaxIdlePerHost bounds the idle connections to one host and port. Default
	// 512, the default of worker.concurrency: with fewer, a busy host that many
	// endpoints share would get a new connection for most requests.
	MaxIdlePerHost int
	// Registerer takes the metrics. Default: none.
	Registerer prometheus.Registerer
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Sender makes webhook requests. It is safe for concurrent use and keeps
// connections for reuse; Close lets go of them.
type Sender struct {
	policy    *Policy
	dialer    *dialer
	transport *http.Transport
	bodies    *bodyReader
	metrics   *metrics
	now       func() time.Time
}

// NewSender makes a sender that reaches what policy allows.
func NewSender(policy *Policy, cfg SenderConfig) (*Sender, error) {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    cfg.RootCAs,
		NextProtos: []string{"http/1.1"},
	}
	var through *proxy
	if cfg.Proxy != nil {
		var err error
		if through, err = newProxy(cfg.Proxy, config); err != nil {
			return nil, err
		}
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	config.ClientSessionCache = tls.NewLRUClientSessionCache(tlsSessions)
	s := &Sender{policy: policy, bodies: newBodyReader(), metrics: m, now: cfg.Now}
	if s.now == nil {
		s.now = time.Now
	}
	s.dialer = newDialer(policy, through, config, m.connections)
	// Not fasthttp, which takes less than half of the CPU: of the hostile
	// receivers in the tests, status 000 is a 200 to it, an answer given before
	// the body was read gets lost, a connection that said too much is used again,
	// and a context can't stop it.
	//
	// RoundTrip is used without an http.Client around it, so there are no
	// redirects, cookies or Referer. No Proxy: the dialer tunnels by itself.
	s.transport = &http.Transport{
		DialContext:            s.dialer.dialPlain,
		DialTLSContext:         s.dialer.dialTLS,
		DisableCompression:     true, // what is asked for compressed is unpacked: a bomb
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    cmp.Or(cfg.MaxIdlePerHost, 512),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return s, nil
}

// Close closes the idle connections. Requests under way end by themselves.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Do makes one request. Whatever goes wrong is in the answer's Err, which comes
// with a status, headers and part of a body when the failure came after them.
func (s *Sender) Do(ctx context.Context, req Request) (res webhook.Response) {
	res.Started = s.now()
	defer func() {
		if r := recover(); r != nil {
			res.Err = internalError("the attempt failed inside Postrider", fmt.Errorf("panic: %v", r))
		}
		res.Duration = s.now().Sub(res.Started)
		s.metrics.observe(res)
	}()
	u, h, err := s.policy.parseURL(req.URL)
	if err != nil {
		res.Err = s.refused(err)
		return res
	}
	a := &attempt{timeout: cmp.Or(req.Timeout, defaultTimeout), host: h.String()}
	a.deadline = time.Now().Add(a.timeout)
	ctx, cancel := context.WithDeadline(ctx, a.deadline)
	defer cancel()
	s.exchange(a.bind(ctx), a, httpRequest(&req, u), req.Body, &res)
	return res
}

// refused is for a URL that passed when it was saved, under another policy.
func (s *Sender) refused(err error) *webhook.SendError {
	return &webhook.SendError{Class: webhook.ClassBlocked, Detail: "blocked: " + err.Error(), Cause: err}
}

func (s *Sender) exchange(ctx context.Context, a *attempt, req *http.Request, body []byte, res *webhook.Response) {
	answer, err := s.roundTrip(ctx, a, req, body)
	if err != nil {
		res.Err = a.explain(ctx, err)
		return
	}
	if answer.StatusCode < 100 {
		answer.Body.Close()
		res.Err = invalidHTTP(fmt.Errorf("status %03d", answer.StatusCode))
		return
	}
	a.enter(phaseBody)
	res.StatusCode, res.Header = answer.StatusCode, answer.Header
	if res.Body, err = s.bodies.read(answer); err != nil {
		res.Err = a.explain(ctx, err)
	}
}

// roundTrip sends the request again when the connection it went to came from
// the pool and broke before a byte of an answer: such a receiver closed it for
// being idle, and says nothing about this request. Had it read the request all
// the same, it knows the second one by its id. Each round uses up one pooled
// connection, and a new one ends it.
func (s *Sender) roundTrip(ctx context.Context, a *attempt, req *http.Request, body []byte) (*http.Response, error) {
	for {
		try := req.WithContext(ctx) // a copy: the one before may still be read
		try.Body = newBody(body)
		a.reused.Store(false)
		res, err := s.transport.RoundTrip(try)
		if err == nil || ctx.Err() != nil || !a.reused.Load() || a.answered.Load() {
			return res, err
		}
	}
}

func internalError(detail string, cause error) *webhook.SendError {
	return &webhook.SendError{Class: webhook.ClassInternal, Detail: detail, Cause: cause}
}
