package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// spellings are how the first half of a secret may stand in something: what is cut
// off in the middle is half given away.
func spellings(secret string) map[string]string {
	half := secret[:len(secret)/2+4]
	out := map[string]string{"plain": half, "hex": hex.EncodeToString([]byte(half)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(half)))}
	for pad, name := range []string{"base64", "base64, a byte later", "base64, two bytes later"} {
		for alphabet, encoding := range map[string]*base64.Encoding{"std": base64.RawStdEncoding, "url": base64.RawURLEncoding} {
			whole := encoding.EncodeToString([]byte(strings.Repeat("x", pad) + half))
			// What stands before and after shares a character with the ends.
			out[name+" "+alphabet] = whole[(pad*8+5)/6 : len(whole)-1]
		}
	}
	if key, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(key); err == nil {
			raw = raw[:len(raw)/2+4]
			out["decoded"], out["decoded, hex"] = string(raw), hex.EncodeToString(raw)
		}
	}
	return out
}

// shown says how and where a secret stands in a text; "" where it does not.
func shown(text, secret string) (how string, at int) {
	for how, spelled := range spellings(secret) {
		if at := strings.Index(text, spelled); at >= 0 {
			return how, at
		}
	}
	return "", 0
}

func TestSpellingsFindASecretWhereverItStands(t *testing.T) {
	t.Parallel()
	for before := range 4 {
		text := strings.Repeat("a", before) + givenSecret + "b"
		for name, said := range map[string]string{
			"plain": text, "hex": hex.EncodeToString([]byte(text)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(text))),
			"base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64url": base64.URLEncoding.EncodeToString([]byte(text)),
			"decoded": text[:before] + "GIVEN-SECRET-GIVEN-SECRET-GIVEN", "cut": text[:len(text)-16],
		} {
			if how, _ := shown(said, givenSecret); how == "" {
				t.Errorf("%s with %d bytes before it is not found", name, before)
			}
		}
	}
	if how, _ := shown("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", givenSecret); how != "" {
		t.Errorf("another secret is found, %s", how)
	}
}
