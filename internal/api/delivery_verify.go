package api

import (
	"context"
	"maps"
	"net/http"
	"regexp"

	"github.com/postrider/postrider/internal/verify"
	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

type verifyInput struct {
	Attempt    *int              `json:"attempt,omitempty" minimum:"1" maximum:"2147483647" doc:"The number of one of the newest 250 attempts; the newest when left out."`
	Headers    map[string]string `json:"headers,omitempty" doc:"Those that the receiver got; when left out those that the attempt sent."`
	Signature  *string           `json:"signature,omitempty" minLength:"1" maxLength:"4096" doc:"The one that the receiver computed, of either scheme, in place of those in the headers."`
	Body       *string           `json:"body,omitempty" doc:"The one that the receiver got; when left out the one that was sent."`
	ReceivedAt *string           `json:"received_at,omitempty" format:"date-time" doc:"When it came by the receiver's clock. When left out its age is not judged."`
}

type signatureVerdictWire struct {
	Verified   bool                   `json:"verified" doc:"Whether a receiver that does everything right takes it."`
	Mistake    *string                `json:"mistake" enum:"invalid_secret,no_secret,missing_header,malformed_header,too_old,too_new,header_changed,body_changed,wrong_secret,wrong_scheme,truncated,malformed_event,mismatch,unknown" doc:"Why not, in one word; null where it verifies." example:"body_changed"`
	Says       string                 `json:"says" doc:"The verdict in words." example:"It does not verify. X-Webhook-Signature would verify with the body without the line break at its end."`
	Signatures []checkedSignatureWire `json:"signatures" doc:"One for each of the two schemes."`
	Hints      []string               `json:"hints" doc:"What else to know: where what arrived differs from what was sent, for one."`
}

type checkedSignatureWire struct {
	Header          string   `json:"header" doc:"Which." example:"X-Webhook-Signature"`
	State           string   `json:"state" enum:"right,wrong,missing" doc:"How it is, whatever its time." example:"wrong"`
	WouldVerifyWith []string `json:"would_verify_with" doc:"What would have to be otherwise for it to be right; empty where nobody knows." example:"the body without the line break at its end"`
}

func (s *server) verifyDelivery(ctx context.Context, r *request) (response, error) {
	var in verifyInput
	if err := decode(r.body, &in); err != nil {
		return response{}, err
	}
	sent, err := s.sentOf(ctx, r, in.Attempt)
	if err != nil {
		return response{}, err
	}
	if sent.endpoint.ID.IsZero() {
		return response{}, webhook.Errorf(webhook.CodeConflict, "the delivery's endpoint was deleted, and its secret with it")
	}
	check, req, err := sent.check(&in)
	if err != nil {
		return response{}, err
	}
	if err := s.noteEndpoint(ctx, r, sent.endpoint.ID); err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderVerdict(check.Judge(ctx, req))}, nil
}

// check is what to judge, and by what.
func (s *sent) check(in *verifyInput) (c verify.Check, got verify.Request, err error) {
	c = verify.Check{Secrets: s.secrets(), Tolerance: -1}
	if in.ReceivedAt != nil {
		if c.Now, err = parseTime(*in.ReceivedAt); err != nil {
			return c, got, invalidField("/received_at", "%v", err)
		}
		c.Tolerance = signature.DefaultTolerance
	}
	format, certain := s.format()
	got.Body = s.body(format)
	if s.attempt != nil {
		got.Header = headersOf(s.attempt.RequestHeaders)
	}
	if certain { // else a difference may be of the format alone
		c.Sent = &verify.Request{Header: got.Header.Clone(), Body: got.Body}
	}
	if in.Headers != nil {
		got.Header = http.Header{}
		for name, value := range in.Headers {
			got.Header.Add(name, value)
		}
	}
	if in.Body != nil {
		got.Body = []byte(*in.Body)
	}
	switch {
	case got.Header == nil:
		return c, got, invalidField("/headers", "are needed: no attempt was made yet")
	case got.Body == nil:
		return c, got, invalidField("/body", "is needed: what was sent is no longer kept")
	case in.Signature != nil:
		got.Header = signedBy(got.Header, *in.Signature)
	}
	return c, got, nil
}

func headersOf(all []webhook.Header) http.Header {
	out := make(http.Header, len(all))
	for _, h := range all {
		out.Add(h.Name, h.Value)
	}
	return out
}

// standardForm is what a signature of Standard Webhooks looks like, with or without
// its version. All else is taken for the other scheme's.
var standardForm = regexp.MustCompile(`^(v1,.*|[A-Za-z0-9+/]{43}=)$`)

// signedBy leaves in a header what the signature's scheme knows, and that signature
// alone: the other one would be judged, too.
func signedBy(h http.Header, given string) http.Header {
	out := maps.Clone(h)
	if standardForm.MatchString(given) {
		out.Del(signature.HeaderSignature)
		out.Set(signature.HeaderStandardSignature, given)
		return out
	}
	for _, name := range []string{signature.HeaderStandardID, signature.HeaderStandardTimestamp, signature.HeaderStandardSignature} {
		out.Del(name)
	}
	out.Set(signature.HeaderSignature, given)
	return out
}

func renderVerdict(v verify.Verdict) signatureVerdictWire {
	out := signatureVerdictWire{Verified: v.Verified, Mistake: orNull(v.Mistake), Says: v.Says, Hints: append([]string{}, v.Hints...)}
	for _, s := range v.Signatures {
		out.Signatures = append(out.Signatures, checkedSignatureWire{s.Header, s.State, append([]string{}, s.With...)})
	}
	return out
}
