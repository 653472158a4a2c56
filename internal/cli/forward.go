package cli

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/signature"
)

// forwarder makes the requests that deliveries would be.
type forwarder struct {
	url         string // empty: nothing is forwarded
	secret      string
	fresh       bool // the secret was made for this run
	signer      *signature.Signer
	header      http.Header
	contentType string
	client      *http.Client
}

// forwarded is an event on its way.
type forwarded struct {
	event    *client.StreamEvent // nil: only how far the stream is
	position string
	done     chan struct{} // closed when there is an outcome

	status int
	answer string
	took   time.Duration
	err    error
}

func (l *listening) forwarder(ctx context.Context, s *session, format client.Format) (*forwarder, error) {
	f := &forwarder{contentType: "application/json", client: &http.Client{
		Timeout:       l.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if format == client.FormatCloudEvents {
		f.contentType = "application/cloudevents+json; charset=utf-8"
	}
	var err error
	if f.url, err = localURL(l.forwardTo); err != nil {
		return nil, err
	}
	if f.header, err = ownHeaders(l.headers); err != nil {
		return nil, err
	}
	if f.secret, f.fresh, err = l.secret(ctx, s); err != nil {
		return nil, err
	}
	if f.signer, err = signature.NewSigner(f.secret); err != nil {
		return nil, withCode(err, ExitUsage)
	}
	return f, nil
}

// secret is what to sign with, and whether it is new.
func (l *listening) secret(ctx context.Context, s *session) (secret string, fresh bool, err error) {
	if l.ownSecret {
		got, err := s.api.Endpoints.Secret(ctx, l.endpoint)
		return got.Secret, false, err
	}
	if l.given != "" {
		return l.given, false, nil
	}
	if given, err := secretFrom(s.in, l.secretFile); err != nil {
		return "", false, err
	} else if given != nil {
		return *given, false, nil
	}
	random := make([]byte, 24)
	rand.Read(random) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(random), true, nil
}

// localURL takes a port or a host for http.
func localURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		text = "localhost:" + text
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", usageError("--forward-to is an address such as http://localhost:3000/webhooks")
	}
	return u.String(), nil
}

// setHeaders are those that a delivery has of itself.
var setHeaders = []string{
	"Content-Type", "User-Agent", "Host", "Content-Length",
	signature.HeaderSignature, signature.HeaderTimestamp, signature.HeaderID, signature.HeaderEvent, signature.HeaderDelivery, signature.HeaderAttempt,
	signature.HeaderStandardID, signature.HeaderStandardTimestamp, signature.HeaderStandardSignature,
}

func ownHeaders(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			return nil, usageError("--header is 'Name: value'")
		}
		for _, set := range setHeaders {
			if strings.EqualFold(name, set) {
				return nil, usageError("--header: " + set + " is set as for a delivery")
			}
		}
		h.Add(name, value)
	}
	return h, nil
}

// ready says what happens from now on, and what to verify with.
func (f *forwarder) ready() string {
	if f.url == "" {
		return "Ready. Events are shown only: give --forward-to to have them posted."
	}
	if f.fresh {
		return fmt.Sprintf("Ready: events go to %s, signed with %s (new each time, unless you give one).", f.url, f.secret)
	}
	return fmt.Sprintf("Ready: events go to %s, signed with the secret that you gave.", f.url)
}
