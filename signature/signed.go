package signature

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// signed is what a request's headers claim, well formed and in time, but not yet
// compared with the body.
type signed struct {
	// standard and body say which signatures have to be right.
	standard, body bool
	id, timestamp  string   // of Standard Webhooks
	signatures     []string // of Standard Webhooks, of any version
	bodySignature  string
}

// read looks at the headers alone.
func (v *Verifier) read(header http.Header) (*signed, error) {
	s := &signed{
		standard: v.cfg.Scheme == SchemeStandard || v.cfg.Scheme == SchemeBoth,
		body:     v.cfg.Scheme == SchemeBody || v.cfg.Scheme == SchemeBoth,
	}
	if v.cfg.Scheme == SchemeAuto {
		s.standard = hasStandard(header)
		s.body = !s.standard
	}
	if s.standard {
		if err := v.readStandard(header, s); err != nil {
			return nil, err
		}
	}
	if s.body {
		if err := v.readBody(header, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func hasStandard(header http.Header) bool {
	return slices.ContainsFunc([]string{HeaderStandardID, HeaderStandardTimestamp, HeaderStandardSignature}, func(name string) bool {
		return len(header.Values(name)) > 0
	})
}

func (v *Verifier) readStandard(header http.Header, s *signed) error {
	s.id, s.timestamp = header.Get(HeaderStandardID), header.Get(HeaderStandardTimestamp)
	if err := checkID(s.id); err != nil {
		return err
	}
	if err := checkTimestamp(HeaderStandardTimestamp, s.timestamp, v.cfg.Tolerance, v.cfg.Now()); err != nil {
		return err
	}
	if s.signatures = standardSignatures(header); len(s.signatures) == 0 {
		return fmt.Errorf("%w: %s", ErrMissingHeader, HeaderStandardSignature)
	}
	if !slices.ContainsFunc(s.signatures, func(one string) bool { return strings.HasPrefix(one, standardPrefix) }) {
		return fmt.Errorf("%w: %s has nothing that begins with %q", ErrMalformedHeader, HeaderStandardSignature, standardPrefix)
	}
	return nil
}

func (v *Verifier) readBody(header http.Header, s *signed) error {
	if s.bodySignature = header.Get(HeaderSignature); s.bodySignature == "" {
		return fmt.Errorf("%w: %s", ErrMissingHeader, HeaderSignature)
	}
	digits, ok := strings.CutPrefix(s.bodySignature, bodyPrefix)
	if !ok || len(digits) != 2*sha256.Size || strings.Trim(digits, "0123456789abcdef") != "" {
		return fmt.Errorf("%w: %s is %q and %d lowercase hex digits", ErrMalformedHeader, HeaderSignature, bodyPrefix, 2*sha256.Size)
	}
	timestamp := header.Get(HeaderTimestamp)
	if timestamp == "" {
		return nil // a proxy may have taken it away, and nobody signed it
	}
	return checkTimestamp(HeaderTimestamp, timestamp, v.cfg.Tolerance, v.cfg.Now())
}
