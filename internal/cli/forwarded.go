package cli

import (
	"bytes"
	"context"
	"crypto/rand"
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
