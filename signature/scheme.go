package signature

import "fmt"

// Scheme says which of a request's two signatures is looked at.
type Scheme int

const (
	// SchemeAuto looks at Standard Webhooks if one of its headers is there, else
	// at X-Webhook-Signature. Who captured a request can take the headers away
	// and send it again at any time, as the other scheme signs no time: require
	// SchemeStandard where that matters.
	SchemeAuto Scheme = iota
	// SchemeStandard requires webhook-id, webhook-timestamp and webhook-signature.
	SchemeStandard
	// SchemeBody requires X-Webhook-Signature, for receivers behind something
	// that takes the other headers away. Of the endpoint's formats it is for
	// those whose body has the id: "standard" and "cloudevents".
	SchemeBody
	// SchemeBoth requires both.
	SchemeBoth
)

// String implements fmt.Stringer.
func (s Scheme) String() string {
	switch s {
	case SchemeAuto:
		return "auto"
	case SchemeStandard:
		return "standard"
	case SchemeBody:
		return "body"
	case SchemeBoth:
		return "both"
	default:
		return fmt.Sprintf("Scheme(%d)", int(s))
	}
}
