package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/telemetry"
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

// forward makes the request, once.
func (f *forwarder) forward(ctx context.Context, next *forwarded) {
	defer close(next.done)
	if len(next.event.Payload) == 0 || string(next.event.Payload) == "null" {
		next.err = errors.New("its payload is no longer kept")
		return
	}
	begin := time.Now()
	req, err := f.request(ctx, next.event, begin)
	if err != nil {
		next.err = err
		return
	}
	resp, err := f.client.Do(req)
	if err != nil {
		next.took, next.err = time.Since(begin), f.reason(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerRead))
	next.took, next.status, next.answer = time.Since(begin), resp.StatusCode, string(body)
	if err != nil {
		next.err = f.reason(err)
	}
}

// maxAnswerRead is what is read of an answer, as of a delivery's.
const maxAnswerRead = 64 << 10

func (f *forwarder) request(ctx context.Context, e *client.StreamEvent, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(e.Payload))
	if err != nil {
		return nil, err
	}
	seconds := strconv.FormatInt(now.Unix(), 10)
	req.Header = f.header.Clone()
	for name, value := range map[string]string{
		"Content-Type": f.contentType, "User-Agent": "Postrider/" + telemetry.Version(),
		signature.HeaderSignature: f.signer.Sign(e.Payload), signature.HeaderTimestamp: seconds, signature.HeaderID: e.ID,
		signature.HeaderEvent: e.Type, signature.HeaderDelivery: newDeliveryID(), signature.HeaderAttempt: "1",
		signature.HeaderStandardID: e.ID, signature.HeaderStandardTimestamp: seconds,
		signature.HeaderStandardSignature: signature.StandardHeader(e.ID, now, e.Payload, f.signer),
	} {
		req.Header.Set(name, value)
	}
	return req, nil
}

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// newDeliveryID looks like a delivery's, of which there is none.
func newDeliveryID() string {
	random := make([]byte, 25)
	rand.Read(random) // never fails
	for i, b := range random {
		random[i] = crockford[b&31]
	}
	return "dlv_0" + string(random)
}

// reason is why there is no answer, without the address, which is in the line above.
func (f *forwarder) reason(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("refused: nobody listens at " + f.url)
	case errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("no answer within %s", shortly(f.client.Timeout))
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// ok says whether it would have been a success.
func (n *forwarded) ok() bool { return n.err == nil && n.status/100 == 2 }

// forwardedLine is a line of --output json.
type forwardedLine struct {
	EventID    string  `json:"event_id"`
	Type       string  `json:"type"`
	Forwarded  bool    `json:"forwarded"`
	StatusCode *int    `json:"status_code"`
	DurationMS int64   `json:"duration_ms"`
	Error      *string `json:"error"`
}

func (s *session) showForwarded(n *forwarded, forwards bool) {
	if s.out.json {
		line := forwardedLine{EventID: n.event.ID, Type: n.event.Type, Forwarded: forwards, DurationMS: n.took.Milliseconds()}
		if n.status != 0 {
			line.StatusCode = &n.status
		}
		if n.err != nil {
			text := n.err.Error()
			line.Error = &text
		}
		_ = s.out.value(line)
		return
	}
	text := n.event.Type + " " + n.event.ID
	switch {
	case !forwards:
	case n.err != nil:
		text += " → failed: " + n.err.Error()
	default:
		text += fmt.Sprintf(" → %d in %d ms", n.status, n.took.Milliseconds())
		if !n.ok() && n.answer != "" {
			answer, _, _ := strings.Cut(n.answer, "\n")
			text += ": " + answerBody(&answer)
		}
	}
	s.out.line("%s", clean(text))
}
