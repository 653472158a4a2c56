package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hmacOf is the primitive both schemes are made of.
func hmacOf(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// FuzzVerify holds that nothing but the one right value verifies, whichever of
// two secrets it is by.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(vectorBody), vectorSigned, vectorSecret, otherSecret)
	f.Add([]byte(vectorBody), vectorSigned, otherSecret, vectorSecret)
	f.Add([]byte(vectorBody), vectorSigned, vectorSecret, "")
	f.Fuzz(func(t *testing.T, body []byte, header, one, two string) {
		want := ErrMismatch
		switch {
		case header == "":
			want = ErrMissingHeader
		case one == "" || two == "":
			want = ErrNoSecret
		case header == "sha256="+hex.EncodeToString(hmacOf([]byte(one), body)),
			header == "sha256="+hex.EncodeToString(hmacOf([]byte(two), body)):
			want = nil
		}
		if err := Verify(body, header, one, two); !errors.Is(err, want) {
			t.Fatalf("Verify(%q, %q, %q, %q): %v, want %v", body, header, one, two, err, want)
		}
		if one == "" {
			return
		}
		signed := Sign(one, body)
		if len(signed) != 71 || Verify(body, signed, one) != nil {
			t.Fatalf("%q signed %q does not verify", body, signed)
		}
		if Verify(append(slices.Clone(body), 0), signed, one) == nil {
			t.Fatalf("%q verifies a longer body", signed)
		}
	})
}

// FuzzVerifyStandard holds VerifyStandard against the scheme's description,
// written down once more with big numbers and no shortcuts; and that what was
// signed is accepted.
func FuzzVerifyStandard(f *testing.F) {
	f.Add(vectorID, int64(vectorUnix), "1640995200", vectorStandard, []byte(vectorBody), int64(0))
	f.Add("a.b", int64(0), "-1", "v1, v1,x", []byte("1.2"), int64(-1))
	f.Add("", int64(-1), "", "", []byte(nil), int64(time.Hour))
	f.Fuzz(func(t *testing.T, id string, unix int64, timestamp, signatures string, body []byte, tolerance int64) {
		now := time.Unix(unix%(1<<40), 0) // a clock, not a number
		want := referenceStandard(id, timestamp, signatures, body, time.Duration(tolerance), now)
		h := http.Header{}
		h.Set(HeaderStandardID, id)
		h.Set(HeaderStandardTimestamp, timestamp)
		h.Set(HeaderStandardSignature, signatures)
		if err := VerifyStandard(h, body, []string{vectorSecret}, time.Duration(tolerance), now); !errors.Is(err, want) {
			t.Fatalf("%q %q %q %q: %v, want %v", id, timestamp, signatures, body, err, want)
		}
		if id == "" || strings.Contains(id, ".") || now.Unix() < 0 {
			return
		}
		s := newSigner(t, vectorSecret)
		signed := standardHeader(id, strconv.FormatInt(now.Unix(), 10), StandardHeader(id, now, body, newSigner(t, otherSecret), s))
		if err := VerifyStandard(signed, body, []string{vectorSecret}, time.Duration(tolerance), now); err != nil {
			t.Fatalf("%v was refused: %v", signed, err)
		}
	})
}

func referenceStandard(id, timestamp, signatures string, body []byte, tolerance time.Duration, now time.Time) error {
	if id == "" {
		return ErrMissingHeader
	}
	if strings.Contains(id, ".") {
		return ErrMalformedHeader
	}
	if timestamp == "" {
		return ErrMissingHeader
	}
	at, ok := new(big.Int).SetString(timestamp, 10)
	if !ok || strings.Trim(timestamp, "0123456789") != "" || at.BitLen() > 62 {
		return ErrMalformedHeader
	}
	if tolerance == 0 {
		tolerance = 5 * time.Minute
	}
	age := new(big.Int).Sub(big.NewInt(now.Unix()), at)
	bound := big.NewInt(int64(tolerance / time.Second))
	switch {
	case tolerance < 0:
	case age.Cmp(bound) > 0:
		return ErrTooOld
	case age.Cmp(bound.Neg(bound)) < 0:
		return ErrTooNew
	}
	given := strings.Fields(signatures)
	if len(given) == 0 {
		return ErrMissingHeader
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorSecret, "whsec_"))
	sum := hmacOf(key, []byte(id+"."+timestamp+"."+string(body)))
	if !slices.Contains(given, "v1,"+base64.StdEncoding.EncodeToString(sum)) {
		return ErrMismatch
	}
	return nil
}

// FuzzSecret holds that a secret has one spelling only: of two that differ in a
// character, no receiver takes one for the other.
func FuzzSecret(f *testing.F) {
	for _, seed := range []string{vectorSecret, "whsec_", "whsec_AA==", "whsec_AB==", "whsec_AA", "WHSEC_AAAA", "whsec_AAAA\n", "whsec_-_-_", "whsec_AA\r\nAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		text, prefixed := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		valid := prefixed && err == nil && len(key) > 0 && base64.StdEncoding.EncodeToString(key) == text
		s, err := NewSigner(secret)
		if (err == nil) != valid || err != nil && !errors.Is(err, ErrInvalidSecret) {
			t.Fatalf("NewSigner(%q): %v, want it to be valid: %t", secret, err, valid)
		}
		if err != nil {
			return
		}
		want := "v1," + base64.StdEncoding.EncodeToString(hmacOf(key, []byte("evt_1.1.{}")))
		if got := s.SignStandard("evt_1", time.Unix(1, 0), []byte("{}")); got != want {
			t.Fatalf("%q signs %s, want %s", secret, got, want)
		}
	})
}
