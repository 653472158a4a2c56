package verify

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/signature"
)

// compare says what only who knows the request as it was sent can: whether the body
// is that one, and if it is, that nothing but the secret can be wrong.
func (c *Check) compare(ctx context.Context, req Request, v *Verdict) {
	if c.Sent == nil || v.Verified {
		return
	}
	v.Hints = append(v.Hints, headersApart(c.Sent, &req)...)
	same := bytes.Equal(req.Body, c.Sent.Body)
	switch {
	case v.Mistake == TooOld || v.Mistake == TooNew:
		v.Hints = append(v.Hints, c.clockApart()...)
	case !same && c.rightWith(ctx, Request{req.Header, c.Sent.Body}):
		v.Mistake = BodyChanged
		v.Says = "It does not verify: the signature is right for the body that was sent, and this is another one."
	case same && c.rightWith(ctx, Request{withIDs(req.Header, c.Sent.Header), req.Body}):
		v.Mistake = HeaderChanged
		v.Says = "It does not verify: the signature is right with the id and the timestamp that were sent, and these are others."
	case same && v.Mistake != MissingHeader && v.Mistake != MalformedHeader && !v.explained():
		v.Mistake = WrongSecret
		v.Says = "It does not verify: the body is the one that was sent, byte for byte, so this signature was made with another secret than the endpoint's."
	}
	if !same {
		v.Hints = append(v.Hints, bodiesApart(c.Sent.Body, req.Body))
	}
}

// rightWith says whether a signature would be right in another request, whenever.
func (c *Check) rightWith(ctx context.Context, req Request) bool {
	_, err := c.verify(ctx, req, -1)
	return err == nil
}

// explained says whether a change was found with which a signature would be right.
func (v *Verdict) explained() bool {
	for _, s := range v.Signatures {
		if len(s.With) > 0 || s.State == "right" {
			return true
		}
	}
	return false
}

// signedIDs are the headers that are signed, or say when.
var signedIDs = []string{signature.HeaderStandardID, signature.HeaderStandardTimestamp, signature.HeaderID, signature.HeaderTimestamp}

// withIDs is a header with another's ids and times.
func withIDs(h, sent http.Header) http.Header {
	out := h.Clone()
	for _, name := range signedIDs {
		if out.Get(name) != "" {
			out.Set(name, sent.Get(name))
		}
	}
	return out
}

func headersApart(sent, got *Request) []string {
	var out []string
	for _, name := range signedIDs {
		was, is := sent.Header.Get(name), got.Header.Get(name)
		if is != "" && was != "" && is != was {
			out = append(out, fmt.Sprintf("%s is %q; %q was sent.", name, shortened([]byte(is)), was))
		}
	}
	return out
}

// clockApart is about a receiver that took a request for too old or too new.
func (c *Check) clockApart() []string {
	at, ok := unixTime(c.Sent.Header.Get(signature.HeaderTimestamp))
	if !ok {
		return nil
	}
	apart := c.Now.Sub(at).Round(time.Second)
	if apart.Abs() <= signature.DefaultTolerance {
		return nil
	}
	which := "ahead"
	if apart < 0 {
		which = "behind"
	}
	return []string{fmt.Sprintf("It was sent at %s. By that clock it came %s %s: each attempt is signed with a time of its own, so the clock is wrong, or the request waited on the receiver's side before it was verified.",
		when(at), apart.Abs(), which)}
}

// bodiesApart shows where two bodies part.
func bodiesApart(sent, got []byte) string {
	n := 0
	for n < len(sent) && n < len(got) && sent[n] == got[n] {
		n++
	}
	return fmt.Sprintf("%d bytes were sent, and this has %d. They part after %d: %q was sent, and here is %q.",
		len(sent), len(got), n, shortened(sent[n:]), shortened(got[n:]))
}

// shown is how much of a text that differs is shown.
const shown = 32

func shortened(b []byte) string {
	if len(b) > shown {
		return string(b[:shown]) + "…"
	}
	return string(b)
}
