package signature

import (
	"errors"
	"fmt"
)

// Why a request is not to be trusted; compare with errors.Is. They are for the
// receiver's own log: a stranger is told nothing but that the request was refused.
var (
	// ErrNoSecret means that there is no secret to verify with, or an empty one:
	// an unset variable must not let everybody in.
	ErrNoSecret = errors.New("signature: no secret to verify with")
	// ErrInvalidSecret means that a secret is not "whsec_" and base64.
	ErrInvalidSecret = errors.New(`signature: a secret is "whsec_" and base64`)
	// ErrInvalidConfig means that what a Config asks for can't be had.
	ErrInvalidConfig = errors.New("signature: invalid config")

	// ErrMissingHeader means that the request is not signed.
	ErrMissingHeader = errors.New("signature: a header is missing")
	// ErrMalformedHeader means that a header is not what the scheme writes.
	ErrMalformedHeader = errors.New("signature: a header is malformed")
	// ErrTooOld and ErrTooNew mean that the timestamp is further from now than
	// the tolerance: a request sent again, or a clock that is wrong.
	ErrTooOld = errors.New("signature: the timestamp is too old")
	ErrTooNew = errors.New("signature: the timestamp is in the future")
	// ErrReplayed means that this very request was verified before. A retry of
	// Postrider's is none: it has another timestamp.
	ErrReplayed = errors.New("signature: the request was seen before")
	// ErrReplayUnknown means that the ReplayGuard failed; the error wraps its.
	ErrReplayUnknown = errors.New("signature: whether the request was seen before is not known")

	// ErrMismatch means that no secret made the signature, for this body. A
	// Verifier says one of the three below, which all are ErrMismatch, too.
	ErrMismatch = errors.New("signature: no signature matches")
	// ErrWrongSecret is the likeliest: the body looks as Postrider sends it, so
	// the endpoint has another secret. A value changed inside of the body looks the same.
	ErrWrongSecret = fmt.Errorf("%w: wrong secret", ErrMismatch)
	// ErrBodyChanged means that these are not the bytes that were sent: they are
	// empty, no JSON, not minified, or verify once they are put in order again. A
	// framework that parsed the body, or a proxy, is the usual cause.
	ErrBodyChanged = fmt.Errorf("%w: the body was changed", ErrMismatch)
	// ErrHeaderChanged means that body and secret are right, but the id or the
	// timestamp in the headers is not the one of this body and signature.
	ErrHeaderChanged = fmt.Errorf("%w: a header was changed", ErrMismatch)

	// ErrUnreadableBody means that the body did not arrive whole. It wraps a
	// *http.MaxBytesError where it was too large.
	ErrUnreadableBody = errors.New("signature: the body can't be read")
	// ErrMalformedEvent means that the request is signed, but holds no event.
	ErrMalformedEvent = errors.New("signature: the body holds no event")
)
