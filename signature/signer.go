package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Signer signs with one secret in both schemes. It parses the secret once and
// keeps the hashes it used, so that signing allocates next to nothing; it is
// safe for many goroutines.
type Signer struct{ body, standard *macPool }

// NewSigner returns a Signer for a secret: "whsec_" and base64. Any other gives
// ErrInvalidSecret.
func NewSigner(secret string) (*Signer, error) {
	key, err := standardKey(secret)
	if err != nil {
		return nil, err
	}
	return &Signer{body: newMACPool([]byte(secret)), standard: newMACPool(key)}, nil
}

// Sign returns the value of X-Webhook-Signature.
func (s *Signer) Sign(body []byte) string {
	var buf [len(bodyPrefix) + 2*sha256.Size]byte
	return string(s.AppendSign(buf[:0], body))
}

// AppendSign appends the value of X-Webhook-Signature to dst: 71 bytes.
func (s *Signer) AppendSign(dst, body []byte) []byte { return s.body.appendBody(dst, body) }

// SignStandard returns the value of webhook-signature. id is the event's and
// must hold no dot; timestamp counts in whole seconds.
func (s *Signer) SignStandard(id string, timestamp time.Time, body []byte) string {
	var buf [64]byte
	return string(s.AppendStandard(buf[:0], id, timestamp, body))
}

// AppendStandard appends the value of webhook-signature to dst: 47 bytes.
func (s *Signer) AppendStandard(dst []byte, id string, timestamp time.Time, body []byte) []byte {
	var buf [20]byte
	return s.standard.appendStandard(dst, id, strconv.AppendInt(buf[:0], timestamp.Unix(), 10), body)
}

// StandardHeader returns the value of webhook-signature while secrets rotate:
// one signature by each signer, in the order given (newest first), with spaces
// between them.
func StandardHeader(id string, timestamp time.Time, body []byte, newestFirst ...*Signer) string {
	var buf [96]byte // two of them
	header := buf[:0]
	for i, s := range newestFirst {
		if i > 0 {
			header = append(header, ' ')
		}
		header = s.AppendStandard(header, id, timestamp, body)
	}
	return string(header)
}

// Sign returns the value of X-Webhook-Signature. Who signs often with one secret
// keeps a [Signer].
func Sign(secret string, body []byte) string {
	return string(newMACPool([]byte(secret)).appendBody(nil, body))
}

// SignStandard returns the value of webhook-signature, or ErrInvalidSecret. Who
// signs often with one secret keeps a [Signer].
func SignStandard(secret, id string, timestamp time.Time, body []byte) (string, error) {
	s, err := NewSigner(secret)
	if err != nil {
		return "", err
	}
	return s.SignStandard(id, timestamp, body), nil
}

// standardKey decodes a secret to the key of the Standard Webhooks scheme.
func standardKey(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	// The decoder would skip line breaks, which the other scheme signs with: a
	// secret read from a file with its newline must not half work.
	if !ok || text == "" || strings.ContainsAny(text, "\r\n") {
		return nil, ErrInvalidSecret
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrInvalidSecret // not the cause: nothing about a secret belongs in a log
	}
	return key, nil
}

// macPool keeps HMACs of one key, whose set-up costs as much as signing a body.
type macPool struct{ pool sync.Pool }

type mac struct {
	hash.Hash
	// scratch holds what goes into the hash and the sum that comes out.
	scratch []byte
}

// newMACPool holds the key in a closure only, where no %+v can print it.
func newMACPool(key []byte) *macPool {
	return &macPool{pool: sync.Pool{New: func() any {
		return &mac{Hash: hmac.New(sha256.New, key), scratch: make([]byte, 0, 160)}
	}}}
}

func (p *macPool) get() *mac {
	m := p.pool.Get().(*mac)
	m.Reset()
	return m
}

func (p *macPool) appendBody(dst, body []byte) []byte {
	m := p.get()
	m.Write(body)
	m.scratch = m.Sum(m.scratch[:0])
	dst = append(dst, bodyPrefix...)
	dst = hex.AppendEncode(dst, m.scratch)
	p.pool.Put(m)
	return dst
}

func (p *macPool) appendStandard(dst []byte, id string, timestamp, body []byte) []byte {
	m := p.get()
	m.scratch = append(append(m.scratch[:0], id...), '.')
	m.scratch = append(append(m.scratch, timestamp...), '.')
	m.Write(m.scratch)
	m.Write(body)
	m.scratch = m.Sum(m.scratch[:0])
	dst = append(dst, standardPrefix...)
	dst = base64.StdEncoding.AppendEncode(dst, m.scratch)
	p.pool.Put(m)
	return dst
}
