package signature

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a timestamp may be from now, either way.
const DefaultTolerance = 5 * time.Minute

// Verify checks a raw body against the value of X-Webhook-Signature. While a
// secret rotates give both; one that matches is enough. It returns nil or one of
// this package's errors, and takes the same time wherever a signature differs.
func Verify(body []byte, header string, secrets ...string) error {
	if len(secrets) == 0 {
		return ErrNoSecret
	}
	if header == "" {
		return fmt.Errorf("%w: %s", ErrMissingHeader, HeaderSignature)
	}
	matched := 0
	for _, secret := range secrets {
		if secret == "" {
			return ErrNoSecret
		}
		matched |= subtle.ConstantTimeCompare([]byte(Sign(secret, body)), []byte(header))
	}
	if matched == 0 {
		return ErrMismatch
	}
	return nil
}

// VerifyStandard checks a raw body against the webhook-id, webhook-timestamp and
// webhook-signature headers. One signature by one secret is enough. tolerance
// bounds how far the timestamp may be from now, either way: 0 means
// DefaultTolerance, a negative one any age. It returns nil or one of this
// package's errors.
func VerifyStandard(header http.Header, body []byte, secrets []string, tolerance time.Duration, now time.Time) error {
	signers, err := newSigners(secrets)
	if err != nil {
		return err
	}
	id, timestamp := header.Get(HeaderStandardID), header.Get(HeaderStandardTimestamp)
	if err := checkID(id); err != nil {
		return err
	}
	if err := checkTimestamp(HeaderStandardTimestamp, timestamp, tolerance, now); err != nil {
		return err
	}
	given := standardSignatures(header)
	if len(given) == 0 {
		return fmt.Errorf("%w: %s", ErrMissingHeader, HeaderStandardSignature)
	}
	if !matchesStandard(signers, id, timestamp, body, given) {
		return ErrMismatch
	}
	return nil
}

// standardSignatures are those of webhook-signature, which a proxy may have split
// over several lines.
func standardSignatures(header http.Header) []string {
	return strings.Fields(strings.Join(header.Values(HeaderStandardSignature), " "))
}

// matchesStandard looks at every pair, whichever matches.
func matchesStandard(signers []*Signer, id, timestamp string, body []byte, given []string) bool {
	matched := 0
	for _, s := range signers {
		want := s.standard.appendStandard(nil, id, []byte(timestamp), body)
		for _, signature := range given {
			matched |= subtle.ConstantTimeCompare(want, []byte(signature))
		}
	}
	return matched == 1
}

// matchesBody looks at every secret, whichever matches.
func matchesBody(signers []*Signer, body []byte, given string) bool {
	matched := 0
	for _, s := range signers {
		matched |= subtle.ConstantTimeCompare(s.AppendSign(nil, body), []byte(given))
	}
	return matched == 1
}

func newSigners(secrets []string) ([]*Signer, error) {
	if len(secrets) == 0 {
		return nil, ErrNoSecret
	}
	signers := make([]*Signer, len(secrets))
	for i, secret := range secrets {
		if secret == "" {
			return nil, ErrNoSecret
		}
		s, err := NewSigner(secret)
		if err != nil {
			return nil, err
		}
		signers[i] = s
	}
	return signers, nil
}

// checkID refuses a dot: it separates what is signed, and with one inside an id
// another id, timestamp and body could have the same signature.
func checkID(id string) error {
	if id == "" {
		return fmt.Errorf("%w: %s", ErrMissingHeader, HeaderStandardID)
	}
	if strings.Contains(id, ".") {
		return fmt.Errorf("%w: %s", ErrMalformedHeader, HeaderStandardID)
	}
	return nil
}

func checkTimestamp(name, text string, tolerance time.Duration, now time.Time) error {
	if text == "" {
		return fmt.Errorf("%w: %s", ErrMissingHeader, name)
	}
	seconds, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrMalformedHeader, name)
	}
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	// In whole seconds, which neither overflow nor round a fresh one away.
	age, allowed := now.Unix()-int64(seconds), int64(tolerance/time.Second)
	switch {
	case tolerance < 0:
		return nil
	case age > allowed:
		return ErrTooOld
	case -age > allowed:
		return ErrTooNew
	default:
		return nil
	}
}
