package signature

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// FuzzMiddleware holds that nothing a stranger sends panics, that what passes is
// what the plain functions accept, and that every other answer is one of four.
func FuzzMiddleware(f *testing.F) {
	for scheme := range SchemeBoth + 1 {
		f.Add(int(scheme), vectorID, "1640995200", vectorStandard, vectorSigned, vectorID, []byte(vectorBody))
		f.Add(int(scheme), "", "", "", vectorSigned, "evt_other", []byte(vectorBody))
		f.Add(int(scheme), vectorID, "1640995200", vectorStandard, vectorSigned, vectorID, []byte(vectorBody+"\n"))
		f.Add(int(scheme), vectorID, "x", " v1, v2,", "sha256=", "", []byte(`{"id":{},"data":[`))
	}
	now := time.Unix(vectorUnix, 0)
	f.Fuzz(func(t *testing.T, scheme int, id, timestamp, standard, signed, unsignedID string, body []byte) {
		h := http.Header{}
		for name, value := range map[string]string{
			HeaderStandardID: id, HeaderStandardTimestamp: timestamp, HeaderStandardSignature: standard, HeaderSignature: signed, HeaderID: unsignedID,
		} {
			if value != "" {
				h.Set(name, value)
			}
		}
		secrets := []string{otherSecret, vectorSecret}
		byStandard := VerifyStandard(h, body, secrets, 0, now) == nil
		byBody := Verify(body, signed, secrets...) == nil
		right := []bool{byStandard || byBody, byStandard, byBody, byStandard && byBody}
		passed := false
		cfg := Config{Secrets: secrets, Scheme: Scheme(scheme), Now: func() time.Time { return now }}
		verified, err := Middleware(cfg)
		if scheme < 0 || scheme >= len(right) {
			if !errors.Is(err, ErrInvalidConfig) {
				t.Fatalf("scheme %d: %v", scheme, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header = h
		verified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			e, ok := EventFrom(r.Context())
			passed = ok && e.ID != ""
		})).ServeHTTP(w, r)
		switch {
		case passed != (w.Code == http.StatusOK):
			t.Fatalf("passed %t, answer %d", passed, w.Code)
		case passed && !right[scheme]:
			t.Fatalf("%s lets %v with %q pass", cfg.Scheme, h, body)
		case !passed && w.Code != http.StatusUnauthorized && (w.Code != http.StatusBadRequest || !right[scheme]):
			t.Fatalf("answer %d", w.Code)
		}
	})
}

func BenchmarkVerifier(b *testing.B) {
	v, h, body := newVerifier(b, Config{Scheme: SchemeStandard}, 0), vectorHeader(), []byte(vectorBody)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), h, body); err != nil {
			b.Fatal(err)
		}
	}
}
