package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// mostReceivers bounds how many are looked at, and mostHosts how many of theirs
	// are asked for.
	mostReceivers = 200
	mostHosts     = 10
	// anyName is looked up where there are no receivers yet: it is IANA's, for examples.
	anyName = "example.com"
	// wholeNetwork is a prefix that lists so much that it says nothing.
	wholeNetwork = 7
	probeTimeout = 10 * time.Second
)

func (d *Doctor) lookAtEgress(ctx context.Context, hasSchema bool) {
	d.lookAtAllow()
	d.lookAtOurHosts(ctx)
	receivers := d.receivers(ctx, hasSchema)
	d.lookAtNames(ctx, receivers)
	if d.Prober != nil {
		d.connect(ctx, receivers)
	}
}

// lookAtAllow: what is allowed is open to whoever may make an endpoint.
func (d *Doctor) lookAtAllow() {
	const check = "egress.allow"
	before := len(d.findings)
	for _, p := range d.cfg.Allow {
		switch {
		case p.Bits() <= wholeNetwork:
			d.bad(Fail, check, p.String()+" is nearly everything: whoever may make an endpoint can reach your network", "", "name the networks that receivers are in, no more")
		case p.Addr().IsLoopback():
			d.bad(Warn, check, p.String()+" is loopback: whoever may make an endpoint can reach what listens on the workers' own machines", "", "take it away, outside of development")
		}
	}
	if len(d.findings) > before {
		return
	}
	if len(d.cfg.Allow) == 0 {
		d.ok(check, "no private network can be reached")
		return
	}
	d.ok(check, "%d networks can be reached though they are private", len(d.cfg.Allow))
}

// lookAtOurHosts: an endpoint's URL must not lead to Postgres or Redis.
func (d *Doctor) lookAtOurHosts(ctx context.Context) {
	const check = "egress.policy"
	before := len(d.findings)
	for _, host := range d.cfg.Hosts {
		for _, addr := range d.lookup(ctx, host) {
			if d.Egress.CheckURL(ctx, "https://"+netip.AddrPortFrom(addr, 443).String()+"/") == nil {
				d.bad(Warn, check, fmt.Sprintf("an endpoint can reach %s, where Postgres or Redis is (%s)", addr, host), "", "leave it out of egress.allow, or keep workers from other ports than receivers' by a network policy")
				break
			}
		}
	}
	if len(d.findings) == before {
		d.ok(check, "no endpoint can reach Postgres or Redis")
	}
}

func (d *Doctor) lookup(ctx context.Context, host string) []netip.Addr {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}
	}
	addrs, err := asked(ctx, func(ctx context.Context) ([]netip.Addr, error) { return d.Resolver.LookupNetIP(ctx, "ip", host) })
	if err != nil {
		return nil
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs
}

// receivers are URLs, one for each host.
func (d *Doctor) receivers(ctx context.Context, hasSchema bool) []string {
	urls := d.cfg.Receivers
	if len(urls) == 0 && hasSchema {
		urls, _ = asked(ctx, func(ctx context.Context) ([]string, error) { return d.Postgres.Receivers(ctx, mostReceivers) })
	}
	var hosts, out []string
	for _, raw := range urls {
		host := hostOf(raw)
		if host == "" || slices.Contains(hosts, host) || len(out) == mostHosts {
			continue
		}
		hosts, out = append(hosts, host), append(out, raw)
	}
	return out
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (d *Doctor) lookAtNames(ctx context.Context, receivers []string) {
	if d.cfg.ProxyHost != "" {
		d.lookAtName(ctx, d.cfg.ProxyHost, "egress.proxy leads to it: no delivery can be made")
	}
	for _, raw := range receivers {
		if bad := d.Egress.CheckURL(ctx, raw); bad != nil {
			d.bad(Warn, "egress.policy", hostOf(raw)+": "+bad.Detail, "", "deliveries to it fail as blocked")
			continue
		}
		d.lookAtName(ctx, hostOf(raw), "deliveries to it fail as dns")
	}
	if len(receivers) == 0 && d.cfg.ProxyHost == "" {
		d.lookAtName(ctx, anyName, "there are no endpoints yet, so this is about any name")
	}
}

func (d *Doctor) lookAtName(ctx context.Context, host, comes string) {
	if addrs := d.lookup(ctx, host); len(addrs) > 0 {
		d.ok("egress.dns", "%s has %d addresses", host, len(addrs))
		return
	}
	d.bad(Warn, "egress.dns", host+" has no address here: "+comes, "", "see /etc/resolv.conf, and whether the network lets this machine ask")
}

// connect goes as far as TLS, and sends no request.
func (d *Doctor) connect(ctx context.Context, receivers []string) {
	if len(receivers) == 0 {
		receivers = []string{"https://" + anyName + "/"}
	}
	for _, raw := range receivers {
		p := d.Prober.Probe(ctx, raw, probeTimeout)
		var why string
		switch {
		case p.URL != nil:
			why = p.URL.Error()
		case p.DNS != nil:
			why = p.DNS.Error()
		case p.Connect != nil:
			why = p.Connect.Error()
		case p.TLSFailure != nil:
			why = p.TLSFailure.Error()
		}
		if why != "" {
			d.bad(Warn, "egress.connect", hostOf(raw)+": "+strings.TrimSpace(why), "", "a firewall on the way out, or the receiver itself")
			continue
		}
		d.ok("egress.connect", "%s answers at %s", hostOf(raw), p.Connected)
	}
}
