package egress

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// maxURLBytes bounds an endpoint's URL.
	maxURLBytes = 2048
	// lookupTimeout bounds the DNS lookup of CheckURL. What takes longer counts
	// as not resolving at the moment.
	lookupTimeout = 3 * time.Second
)

// CheckURL says what is wrong with an endpoint's URL, or returns nil. Its host
// is resolved and refused if any of its addresses is; a name that does not
// resolve at the moment passes, unless it can only be a local one.
func (p *Policy) CheckURL(ctx context.Context, raw string) *webhook.FieldError {
	u, h, err := p.parseURL(raw)
	if err == nil {
		err = p.checkHost(ctx, h, u.Hostname())
	}
	if err != nil {
		return &webhook.FieldError{Pointer: "/url", Detail: err.Error()}
	}
	return nil
}

// parseURL checks all that can be told without asking DNS.
func (p *Policy) parseURL(raw string) (*url.URL, host, error) {
	if err := checkText(raw); err != nil {
		return nil, host{}, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The error's own text repeats the URL, which may hold a token.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, host{}, fmt.Errorf("the URL is not valid: %w", err)
	}
	if err := p.checkScheme(u); err != nil {
		return nil, host{}, err
	}
	if u.User != nil {
		return nil, host{}, errors.New("the URL must hold no user name or password: " +
			"it shows up in lists and logs; send an Authorization header of the endpoint's own instead")
	}
	if err := checkPort(u.Port()); err != nil {
		return nil, host{}, err
	}
	h, err := parseHost(u.Hostname())
	if err != nil {
		return nil, host{}, fmt.Errorf("the host of the URL %w", err)
	}
	return u, h, nil
}

func checkText(raw string) error {
	if raw == "" {
		return errors.New("the URL is missing")
	}
	if len(raw) > maxURLBytes {
		return fmt.Errorf("the URL is longer than %d bytes", maxURLBytes)
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("the URL must hold no spaces or control characters")
	}
	return nil
}

func (p *Policy) checkScheme(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return errors.New("the URL must start with https:// or http://")
	case u.Scheme == "http" && p.httpsOnly:
		return errors.New("the URL must start with https://: plain http is not allowed here (egress.https_only)")
	}
	return nil
}

func checkPort(port string) error {
	if port == "" {
		return nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port of the URL must be a number from 1 to 65535")
	}
	return nil
}

func (p *Policy) checkHost(ctx context.Context, h host, shown string) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := p.resolve(ctx, h)
	if h.isLocal() {
		return p.checkLocal(h, addrs, err)
	}
	if err != nil {
		// Receivers are often set up after their endpoint; the address is judged
		// again at every connection.
		return nil
	}
	for _, addr := range addrs {
		b := p.Judge(addr)
		switch {
		case b == nil:
			continue
		case !h.isAddr():
			return fmt.Errorf("the URL is refused: %s resolves to %s, and %s", h.name, addr, b.Reason())
		case addr.String() != shown:
			return fmt.Errorf("the URL is refused: the host %s means %s, and %s", shown, addr, b.Reason())
		}
		return fmt.Errorf("the URL is refused: %s", b.Reason())
	}
	return nil
}

// checkLocal refuses a local name unless its addresses are known and all allowed.
func (p *Policy) checkLocal(h host, addrs []netip.Addr, err error) error {
	if err != nil || len(addrs) == 0 {
		return fmt.Errorf("the URL is refused: %s is a local name, and its addresses, "+
			"which egress.allow would have to list, are not known", h.name)
	}
	for _, addr := range addrs {
		if b := p.judgeHost(h, addr); b != nil {
			return fmt.Errorf("the URL is refused: %s", b.Reason())
		}
	}
	return nil
}
