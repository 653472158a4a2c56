package signature

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// The contract's vectors.
const (
	vectorSecret   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID       = "evt_abc123def456"
	vectorUnix     = 1640995200
	vectorBody     = `{"id":"evt_abc123def456","type":"post.created","created_at":"2024-01-15T10:30:00Z","data":{"object":{"id":123,"title":"My Blog Post","url":"https://example.com/posts/my-blog-post"}},"workspace_id":456}`
	vectorSigned   = "sha256=470f55180a5a2afb9fce9a9fcf7d6970cac6b84b6abe4ff61920698607c29ada"
	vectorStandard = "v1,dXEieW8SqTTgWibJidrlIOuIPtsQ5PhkAax1EFq9oHM="

	otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

func newSigner(t testing.TB, secret string) *Signer {
	t.Helper()
	s, err := NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVectors(t *testing.T) {
	t.Parallel()
	at, body := time.Unix(vectorUnix, 0), []byte(vectorBody)
	standard, err := SignStandard(vectorSecret, vectorID, at, body)
	if err != nil {
		t.Fatal(err)
	}
	s := newSigner(t, vectorSecret)
	for range 3 { // the hashes are used again
		for name, got := range map[string][2]string{
			"Sign":                  {Sign(vectorSecret, body), vectorSigned},
			"Signer.Sign":           {s.Sign(body), vectorSigned},
			"Signer.AppendSign":     {string(s.AppendSign([]byte("x"), body)), "x" + vectorSigned},
			"SignStandard":          {standard, vectorStandard},
			"Signer.SignStandard":   {s.SignStandard(vectorID, at, body), vectorStandard},
			"Signer.AppendStandard": {string(s.AppendStandard([]byte("x"), vectorID, at, body)), "x" + vectorStandard},
			"StandardHeader":        {StandardHeader(vectorID, at, body, s), vectorStandard},
		} {
			if got[0] != got[1] {
				t.Errorf("%s is %q, want %q", name, got[0], got[1])
			}
		}
	}
}

func TestStandardHeaderListsNewestFirst(t *testing.T) {
	t.Parallel()
	at, body := time.Unix(vectorUnix, 999_999_999), []byte(vectorBody)
	newest, old := newSigner(t, otherSecret), newSigner(t, vectorSecret)
	want := newest.SignStandard(vectorID, at, body) + " " + vectorStandard
	if got := StandardHeader(vectorID, at, body, newest, old); got != want {
		t.Errorf("header is %q, want %q", got, want)
	}
	if got := StandardHeader(vectorID, at, body); got != "" {
		t.Errorf("header of nobody is %q", got)
	}
}

func TestNewSignerRefusesSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", "whsec_abc", vectorSecret + "\n", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, err := NewSigner(secret); !errors.Is(err, ErrInvalidSecret) {
			t.Errorf("NewSigner(%q): %v, want ErrInvalidSecret", secret, err)
		}
		if _, err := SignStandard(secret, vectorID, time.Unix(vectorUnix, 0), nil); !errors.Is(err, ErrInvalidSecret) {
			t.Errorf("SignStandard(%q): %v, want ErrInvalidSecret", secret, err)
		}
	}
}

func TestSignerPrintsNoSecret(t *testing.T) {
	t.Parallel()
	s := newSigner(t, vectorSecret)
	s.Sign(nil)
	key, _ := standardKey(vectorSecret)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		text := fmt.Sprintf(verb, s) + fmt.Sprintf(verb, s.body) + fmt.Sprintf(verb, s.standard)
		for _, secret := range []string{vectorSecret, string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%d", key), fmt.Sprintf("%d", []byte(vectorSecret))} {
			if strings.Contains(text, strings.Trim(secret, "[]")) {
				t.Errorf("%s prints the secret", verb)
			}
		}
	}
}

func TestSignerIsSafeForManyGoroutines(t *testing.T) {
	t.Parallel()
	s := newSigner(t, vectorSecret)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := s.Sign([]byte(vectorBody)); got != vectorSigned {
					t.Errorf("Sign is %q", got)
				}
				if got := s.SignStandard(vectorID, time.Unix(vectorUnix, 0), []byte(vectorBody)); got != vectorStandard {
					t.Errorf("SignStandard is %q", got)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkSigner signs one request the way the worker does: in both schemes.
func BenchmarkSigner(b *testing.B) {
	s, at, body := newSigner(b, vectorSecret), time.Unix(vectorUnix, 0), []byte(vectorBody)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var buf []byte
		for pb.Next() {
			buf = s.AppendSign(buf[:0], body)
			buf = s.AppendStandard(buf, vectorID, at, body)
		}
	})
}

func BenchmarkNewSigner(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newSigner(b, vectorSecret).Sign([]byte(vectorBody))
	}
}
