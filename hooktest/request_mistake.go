package hooktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/signature"
)

// Mistake is something that is wrong with a request, on purpose. A receiver has to
// refuse each, with 401 unless said otherwise.
type Mistake int

// The mistakes.
const (
	// WrongSecret signs with a secret that nobody knows.
	WrongSecret Mistake = iota + 1
	// ChangedBody changes the payload after it was signed.
	ChangedBody
	// ReformattedBody indents the body after it was signed, as parsing it and
	// writing it again may do.
	ReformattedBody
	// EmptyBody takes the body away after it was signed.
	EmptyBody
	// HugeBody signs a body that is larger than any of Postrider's: 413.
	HugeBody
	// Stale signs for an hour ago: an old request that somebody sends again.
	Stale
	// FromTheFuture signs for in an hour.
	FromTheFuture
	// ChangedID names another event in the headers after it was signed.
	ChangedID
	// NoSignature takes both signatures away, and what belongs to them.
	NoSignature
	// NoStandardHeaders takes Standard Webhooks' headers away: a mistake only for
	// who requires them.
	NoStandardHeaders
	// NoBodySignature takes X-Webhook-Signature away: a mistake only for who
	// requires it.
	NoBodySignature
	// MalformedSignature puts text in place of both signatures.
	MalformedSignature
)

var mistakeNames = map[Mistake]string{
	WrongSecret: "WrongSecret", ChangedBody: "ChangedBody", ReformattedBody: "ReformattedBody", EmptyBody: "EmptyBody",
	HugeBody: "HugeBody", Stale: "Stale", FromTheFuture: "FromTheFuture", ChangedID: "ChangedID", NoSignature: "NoSignature",
	NoStandardHeaders: "NoStandardHeaders", NoBodySignature: "NoBodySignature", MalformedSignature: "MalformedSignature",
}

// Mistakes are all those that every receiver has to refuse, for a test of each.
func Mistakes() []Mistake {
	return []Mistake{
		WrongSecret, ChangedBody, ReformattedBody, EmptyBody, HugeBody, Stale, FromTheFuture, ChangedID, NoSignature, MalformedSignature,
	}
}

// String implements fmt.Stringer.
func (m Mistake) String() string {
	if name, ok := mistakeNames[m]; ok {
		return name
	}
	return fmt.Sprintf("Mistake(%d)", int(m))
}

func (m Mistake) change(d *draft) { d.mistakes = append(d.mistakes, m) }

// before makes the mistakes of what is signed.
func (m Mistake) before(d *draft) {
	switch m {
	case WrongSecret:
		d.secret = "whsec_" + strings.Repeat("wrong+++", 4)
	case HugeBody:
		d.payload = json.RawMessage(`{"padding":"` + strings.Repeat("x", signature.DefaultMaxBodyBytes) + `"}`)
	case Stale:
		d.at = d.at.Add(-time.Hour)
	case FromTheFuture:
		d.at = d.at.Add(time.Hour)
	}
}

// after makes the mistakes of what was signed.
func (m Mistake) after(d *draft) {
	switch m {
	case ChangedBody:
		d.payload = json.RawMessage(`{"changed":true}`)
		d.body = d.envelope()
	case ReformattedBody:
		var b bytes.Buffer
		if err := json.Indent(&b, d.body, "", "  "); err == nil {
			d.body = b.Bytes()
		}
	case EmptyBody:
		d.body = nil
	case ChangedID:
		d.header.Set(signature.HeaderStandardID, "evt_another")
		d.header.Set(signature.HeaderID, "evt_another")
	case NoSignature:
		NoStandardHeaders.after(d)
		NoBodySignature.after(d)
	case NoStandardHeaders:
		for _, name := range []string{signature.HeaderStandardID, signature.HeaderStandardTimestamp, signature.HeaderStandardSignature} {
			d.header.Del(name)
		}
	case NoBodySignature:
		d.header.Del(signature.HeaderSignature)
	case MalformedSignature:
		d.header.Set(signature.HeaderStandardSignature, "v0,signed")
		d.header.Set(signature.HeaderSignature, "signed")
	}
}
