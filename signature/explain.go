package signature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// maxExplained bounds what is spent on saying why a stranger's request was refused.
const maxExplained = 64 << 10

// explain says which mistake a mismatch most likely is. It knows no more than the
// sender of the request could, but it is for the receiver's log.
func (v *Verifier) explain(header http.Header, s *signed, body []byte) error {
	if len(body) == 0 {
		return fmt.Errorf("%w: it is empty; was it read before?", ErrBodyChanged)
	}
	if len(body) > maxExplained {
		return ErrMismatch
	}
	minified, err := minify(body)
	if err != nil {
		return fmt.Errorf("%w: it is no JSON", ErrBodyChanged)
	}
	// Half of what the request is signed with may be right.
	if matchesBody(v.signers, body, header.Get(HeaderSignature)) {
		return fmt.Errorf("%w: %s is right, so %s, %s or %s is not the one that was sent", ErrHeaderChanged,
			HeaderSignature, HeaderStandardID, HeaderStandardTimestamp, HeaderStandardSignature)
	}
	if matchesStandard(v.signers, header.Get(HeaderStandardID), header.Get(HeaderStandardTimestamp), body, standardSignatures(header)) {
		return fmt.Errorf("%w: %s is right, but %s is by another; while secrets rotate both are needed", ErrWrongSecret,
			HeaderStandardSignature, HeaderSignature)
	}
	return v.explainBody(s, body, minified)
}

// explainBody looks for what parsing a body and writing it again does to it.
func (v *Verifier) explainBody(s *signed, body, minified []byte) error {
	switch ordered, ok := inOrder(minified); {
	case v.matches(s, minified):
		return fmt.Errorf("%w: only by white space; verify the bytes as they came, before anything parses them", ErrBodyChanged)
	case ok && v.matches(s, ordered):
		return fmt.Errorf("%w: its members are in another order; verify the bytes as they came, before anything parses them", ErrBodyChanged)
	case !bytes.Equal(body, minified):
		return fmt.Errorf("%w: it is not minified, as Postrider's are", ErrBodyChanged)
	default:
		return fmt.Errorf("%w (or the value of a member changed): none of the %d known made it", ErrWrongSecret, len(v.signers))
	}
}

func minify(body []byte) ([]byte, error) {
	var b bytes.Buffer
	err := json.Compact(&b, body)
	return b.Bytes(), err
}

// inOrder is a body with its outermost members in the order in which Postrider
// writes them.
func inOrder(body []byte) ([]byte, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil || !hasExactly(m, standardMembers) {
		return nil, false
	}
	ordered := []byte{'{'}
	for i, name := range standardMembers {
		if i > 0 {
			ordered = append(ordered, ',')
		}
		ordered = append(append(append(append(ordered, '"'), name...), '"', ':'), m[name]...)
	}
	return append(ordered, '}'), true
}
