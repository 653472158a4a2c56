package console

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// proxies are those in front of us whose headers are believed.
type proxies []netip.Prefix

func (p proxies) has(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(net netip.Prefix) bool { return net.Contains(addr) })
}

// peer is who made the connection.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// client is who made the request: the last address on the way that is none of our
// own proxies. What stands before that anybody may write.
func (p proxies) client(r *http.Request) netip.Addr {
	addr := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.has(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	return addr
}

// secure says whether the reader's connection is encrypted.
func (p proxies) secure(r *http.Request) bool {
	return r.TLS != nil || p.has(peer(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// baseURL is where people reach the console.
func baseURL(configured *url.URL, p proxies, r *http.Request) string {
	switch {
	case configured != nil:
		return configured.String()
	case p.secure(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// BaseURL makes what the API calls people's way to the console, of the same settings
// as a Console has.
func BaseURL(cfg Config) func(*http.Request) string {
	return func(r *http.Request) string {
		if o, ok := r.Context().Value(originKey{}).(origin); ok {
			return o.base
		}
		return baseURL(cfg.URL, cfg.TrustedProxies, r)
	}
}
