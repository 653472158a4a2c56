package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/signature"
)

// Check is how a request is checked.
type Check struct {
	Secrets []string
	// Tolerance is how far its timestamp may be from Now; negative for any age.
	Tolerance time.Duration
	Now       time.Time
	// Sent is the request as it was made, of who knows; only its signed headers count.
	Sent *Request
}

// Verdict is what a check comes to.
type Verdict struct {
	Verified bool `json:"verified"`
	// Mistake is a stable word; empty when it verifies.
	Mistake string `json:"mistake,omitempty"`
	// Says is the verdict in words.
	Says       string      `json:"says"`
	Signatures []Signature `json:"signatures"`
	Hints      []string    `json:"hints,omitempty"`
}

// Signature is one header of the two that sign.
type Signature struct {
	Header string `json:"header"`
	// State is right, wrong or missing.
	State string `json:"state"`
	// With are the changes with which it would be right.
	With []string `json:"would_verify_with,omitempty"`

	mistake string
}

// Judge verifies as a receiver does. Where that fails it looks for the change with
// which each signature would be right.
func (c *Check) Judge(ctx context.Context, req Request) Verdict {
	event, err := c.verify(ctx, req, c.Tolerance)
	v := Verdict{Verified: err == nil, Signatures: c.signatures(req)}
	if err == nil {
		v.Says = fmt.Sprintf("It verifies: event %s, %s.", event.ID, event.Type)
		return v
	}
	v.Mistake = mistakeOf(err)
	v.Says = fmt.Sprintf("It does not verify: %s.", inWords(err))
	v.Hints = c.hints(ctx, req, err)
	for _, s := range v.Signatures {
		if len(s.With) > 0 {
			v.explain(s, err)
			break
		}
	}
	c.compare(ctx, req, &v)
	return v
}

// explain says with what a signature would be right, which is more than what the bytes
// look like.
func (v *Verdict) explain(s Signature, err error) {
	v.Says = "It does not verify"
	if !errors.Is(err, signature.ErrMismatch) {
		v.Says += ": " + inWords(err)
	}
	v.Says += fmt.Sprintf(". %s would verify with %s.", s.Header, strings.Join(s.With, "; "))
	// What is missing, or no secret at all, is the first thing to mend.
	if !errors.Is(err, signature.ErrMissingHeader) && !errors.Is(err, signature.ErrInvalidSecret) {
		v.Mistake = s.mistake
	}
	if s.With[0] == withoutBreak {
		v.Hints = append(v.Hints, "Where an editor saved the request, the line break may be the file's own.")
	}
}

// verify is what a receiver does.
func (c *Check) verify(ctx context.Context, req Request, tolerance time.Duration) (signature.Event, error) {
	verifier, err := signature.NewVerifier(signature.Config{
		Secrets: c.Secrets, Tolerance: tolerance, Now: func() time.Time { return c.Now },
	})
	if err != nil {
		return signature.Event{}, err
	}
	return verifier.Verify(ctx, req.Header, req.Body)
}

// signatures looks at each alone, whatever the time.
func (c *Check) signatures(req Request) []Signature {
	search := newSearch(c.Secrets, req)
	var out []Signature
	for _, name := range []string{signature.HeaderSignature, signature.HeaderStandardSignature} {
		s := Signature{Header: name, State: "missing"}
		if given := req.Header.Values(name); len(given) > 0 {
			changes, found := search.find(name, given)
			s.State = "wrong"
			if found && len(changes) == 0 {
				s.State = "right"
			}
			for _, c := range changes {
				s.With = append(s.With, c.says)
				s.mistake = cmp.Or(s.mistake, c.mistake)
			}
		}
		out = append(out, s)
	}
	return out
}

// hints are what else to know.
func (c *Check) hints(ctx context.Context, req Request, err error) []string {
	var out []string
	if errors.Is(err, signature.ErrTooOld) || errors.Is(err, signature.ErrTooNew) {
		if _, without := c.verify(ctx, req, -1); without == nil {
			out = append(out, fmt.Sprintf("Apart from its time it verifies. It was signed at %s, and this looks at it as of %s. "+
				"In a receiver: are its clock and its tolerance right, or is it an old request that somebody sent again?",
				signedAt(req.Header), when(c.Now)))
		} else {
			out = append(out, "Apart from its time: "+inWords(without)+".")
		}
	}
	return out
}

func signedAt(h http.Header) string {
	for _, name := range []string{signature.HeaderStandardTimestamp, signature.HeaderTimestamp} {
		if t, ok := unixTime(h.Get(name)); ok {
			return when(t)
		}
	}
	return "an unknown time"
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// inWords is an error of package signature without the package's name.
func inWords(err error) string { return strings.ReplaceAll(err.Error(), "signature: ", "") }
