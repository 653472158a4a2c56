package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// SecretPrefix starts every endpoint secret.
const SecretPrefix = "whsec_"

// NewSecret generates an endpoint's secret: "whsec_" and the base64 of 24
// random bytes, 38 characters in all, valid in both signature schemes.
func NewSecret() string {
	var b [24]byte
	rand.Read(b[:])
	return SecretPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// ValidSecret reports whether a user's secret is strong enough for both
// schemes: "whsec_" and the base64 of 24 to 64 bytes.
func ValidSecret(s string) bool {
	text, ok := strings.CutPrefix(s, SecretPrefix)
	if !ok {
		return false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(b) >= 24 && len(b) <= 64 && !strings.ContainsAny(text, "\r\n")
}
