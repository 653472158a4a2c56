package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// DeliveryRequest is the body of a delivery's requests.
type DeliveryRequest struct {
	// Attempt is whose it is; nil before the first one.
	Attempt     *int   `json:"attempt"`
	Format      Format `json:"format"`
	ContentType string `json:"content_type"`
	// AsSent is whether the attempt's signature is of this very body.
	AsSent bool `json:"as_sent"`
	// Body is nil once the payload is no longer kept.
	Body *string `json:"body"`
}

// VerifyInput is what a receiver got, or computed.
type VerifyInput struct {
	// Attempt is its number; 0 means the newest.
	Attempt int `json:"attempt,omitempty"`
	// Headers are those that the receiver got; nil for those that were sent.
	Headers map[string]string `json:"headers,omitempty"`
	// Signature is the one that the receiver computed, of either scheme, in place of
	// those in the headers.
	Signature string `json:"signature,omitempty"`
	// Body is the one that the receiver got; nil for the one that was sent.
	Body *string `json:"body,omitempty"`
	// ReceivedAt is when it came by the receiver's clock; the zero time leaves its age out.
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// SignatureVerdict says whether a request verifies, and why not.
type SignatureVerdict struct {
	Verified bool `json:"verified"`
	// Mistake is nil where it verifies.
	Mistake *Mistake `json:"mistake"`
	// Says is the verdict in words.
	Says       string             `json:"says"`
	Signatures []CheckedSignature `json:"signatures"`
	// Hints are what else to know.
	Hints []string `json:"hints"`
}

// CheckedSignature is one of a request's two.
type CheckedSignature struct {
	Header string `json:"header"`
	// State is how it is, whatever its time.
	State SignatureState `json:"state"`
	// WouldVerifyWith is what would have to be otherwise for it to be right.
	WouldVerifyWith []string `json:"would_verify_with"`
}

// SignatureState is how a signature is.
type SignatureState string

// Every state.
const (
	SignatureRight   SignatureState = "right"
	SignatureWrong   SignatureState = "wrong"
	SignatureMissing SignatureState = "missing"
)

// Mistake is in one word why a request does not verify.
type Mistake string

// Every mistake.
const (
	MistakeInvalidSecret   Mistake = "invalid_secret"
	MistakeNoSecret        Mistake = "no_secret"
	MistakeMissingHeader   Mistake = "missing_header"
	MistakeMalformedHeader Mistake = "malformed_header"
	MistakeTooOld          Mistake = "too_old"
	MistakeTooNew          Mistake = "too_new"
	MistakeHeaderChanged   Mistake = "header_changed"
	MistakeBodyChanged     Mistake = "body_changed"
	MistakeWrongSecret     Mistake = "wrong_secret"
	MistakeWrongScheme     Mistake = "wrong_scheme"
	MistakeTruncated       Mistake = "truncated"
	MistakeMalformedEvent  Mistake = "malformed_event"
	MistakeMismatch        Mistake = "mismatch"
	MistakeUnknown         Mistake = "unknown"
)

// Request is the body of one attempt's request, byte for byte; attempt 0 is the newest.
func (s *DeliveriesService) Request(ctx context.Context, id string, attempt int) (DeliveryRequest, error) {
	q := query{}
	if attempt != 0 {
		q = q.text("attempt", strconv.Itoa(attempt))
	}
	return do[DeliveryRequest](ctx, s.c, &call{op: "getDeliveryRequest", method: "GET", path: "/v1/deliveries/{}/request", ids: []string{id}, query: url.Values(q)})
}

// Verify says which mistake makes a receiver's signature wrong, by the endpoint's
// secrets and by what was sent. Nothing is sent.
func (s *DeliveriesService) Verify(ctx context.Context, id string, in VerifyInput) (SignatureVerdict, error) {
	return do[SignatureVerdict](ctx, s.c, &call{op: "verifyDelivery", method: "POST", path: "/v1/deliveries/{}/verify", ids: []string{id}, body: in})
}
