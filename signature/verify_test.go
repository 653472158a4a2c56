package signature

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, header string
		secrets            []string
		want               error
	}{
		{"Signed", vectorBody, vectorSigned, []string{vectorSecret}, nil},
		{"OneOfTwoSecrets", vectorBody, vectorSigned, []string{otherSecret, vectorSecret}, nil},
		{"SecretOfAnyShape", "x", Sign("plain", []byte("x")), []string{"plain"}, nil},
		{"EmptyBody", "", Sign(vectorSecret, nil), []string{vectorSecret}, nil},
		{"AnotherSecret", vectorBody, vectorSigned, []string{otherSecret}, ErrMismatch},
		{"SecretWithoutPrefix", vectorBody, vectorSigned, []string{strings.TrimPrefix(vectorSecret, "whsec_")}, ErrMismatch},
		{"AnotherBody", vectorBody + " ", vectorSigned, []string{vectorSecret}, ErrMismatch},
		{"Missing", vectorBody, "", []string{vectorSecret}, ErrMissingHeader},
		{"PrefixOnly", vectorBody, "sha256=", []string{vectorSecret}, ErrMismatch},
		{"WithoutPrefix", vectorBody, strings.TrimPrefix(vectorSigned, "sha256="), []string{vectorSecret}, ErrMismatch},
		{"Short", vectorBody, vectorSigned[:70], []string{vectorSecret}, ErrMismatch},
		{"Long", vectorBody, vectorSigned + "0", []string{vectorSecret}, ErrMismatch},
		{"UpperCase", vectorBody, strings.ToUpper(vectorSigned), []string{vectorSecret}, ErrMismatch},
		{"LastDigit", vectorBody, vectorSigned[:70] + "b", []string{vectorSecret}, ErrMismatch},
		{"NoSecret", vectorBody, vectorSigned, nil, ErrNoSecret},
		{"EmptySecret", vectorBody, Sign("", []byte(vectorBody)), []string{""}, ErrNoSecret},
		{"EmptySecretBesideAGoodOne", vectorBody, vectorSigned, []string{vectorSecret, ""}, ErrNoSecret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := Verify([]byte(tt.body), tt.header, tt.secrets...); !errors.Is(err, tt.want) {
				t.Errorf("Verify: %v, want %v", err, tt.want)
			}
		})
	}
}

func standardHeader(id, timestamp string, signatures ...string) http.Header {
	h := http.Header{}
	for name, v := range map[string]string{HeaderStandardID: id, HeaderStandardTimestamp: timestamp} {
		if v != "" {
			h.Set(name, v)
		}
	}
	for _, s := range signatures {
		h.Add(HeaderStandardSignature, s)
	}
	return h
}

func TestVerifyStandard(t *testing.T) {
	t.Parallel()
	const unix = "1640995200"
	one := []string{vectorSecret}
	signed := standardHeader(vectorID, unix, vectorStandard)
	sign := func(id, timestamp string) string {
		s := newSigner(t, vectorSecret)
		return string(s.standard.appendStandard(nil, id, []byte(timestamp), []byte(vectorBody)))
	}
	tests := []struct {
		name      string
		header    http.Header
		secrets   []string
		tolerance time.Duration
		age       time.Duration // of the request, by the receiver's clock
		want      error
	}{
		{"Signed", signed, one, 0, 0, nil},
		{"OneOfTwoSecrets", signed, []string{otherSecret, vectorSecret}, 0, 0, nil},
		{"OneOfTwoSignatures", standardHeader(vectorID, unix, "v1,AAAA "+vectorStandard), one, 0, 0, nil},
		{"SignaturesOnTwoLines", standardHeader(vectorID, unix, "v1a,AAAA", vectorStandard), one, 0, 0, nil},
		{"AsOldAsAllowed", signed, one, 0, 5 * time.Minute, nil},
		{"TooOld", signed, one, 0, 5*time.Minute + time.Second, ErrTooOld},
		{"AsNewAsAllowed", signed, one, 0, -5 * time.Minute, nil},
		{"TooNew", signed, one, 0, -5*time.Minute - time.Second, ErrTooNew},
		{"OwnTolerance", signed, one, time.Hour, 59 * time.Minute, nil},
		{"OwnToleranceExceeded", signed, one, time.Second, 2 * time.Second, ErrTooOld},
		{"AnyAge", signed, one, -1, 10_000 * time.Hour, nil},
		{"AnotherSecret", signed, []string{otherSecret}, 0, 0, ErrMismatch},
		{"AnotherID", standardHeader("evt_other", unix, vectorStandard), one, 0, 0, ErrMismatch},
		{"AnotherTimestamp", standardHeader(vectorID, "1640995201", vectorStandard), one, 0, 0, ErrMismatch},
		{"AnotherVersion", standardHeader(vectorID, unix, "v2"+vectorStandard[2:]), one, 0, 0, ErrMismatch},
		{"Short", standardHeader(vectorID, unix, vectorStandard[:20]), one, 0, 0, ErrMismatch},
		{"PrefixOnly", standardHeader(vectorID, unix, "v1,"), one, 0, 0, ErrMismatch},
		{"NoID", standardHeader("", unix, vectorStandard), one, 0, 0, ErrMissingHeader},
		{"NoTimestamp", standardHeader(vectorID, "", vectorStandard), one, 0, 0, ErrMissingHeader},
		{"NoSignature", standardHeader(vectorID, unix), one, 0, 0, ErrMissingHeader},
		{"BlankSignature", standardHeader(vectorID, unix, " "), one, 0, 0, ErrMissingHeader},
		{"NoHeaders", nil, one, 0, 0, ErrMissingHeader},
		{"DotInID", standardHeader("evt.1", unix, sign("evt.1", unix)), one, 0, 0, ErrMalformedHeader},
		{"SignedPlus", standardHeader(vectorID, "+"+unix, sign(vectorID, "+"+unix)), one, 0, 0, ErrMalformedHeader},
		{"Negative", standardHeader(vectorID, "-1", sign(vectorID, "-1")), one, 0, 0, ErrMalformedHeader},
		{"TimestampNotANumber", standardHeader(vectorID, "now", sign(vectorID, "now")), one, -1, 0, ErrMalformedHeader},
		{"TimestampTooLarge", standardHeader(vectorID, "99999999999999999999", vectorStandard), one, 0, 0, ErrMalformedHeader},
		{"TimestampFarAhead", standardHeader(vectorID, "4611686018427387903", vectorStandard), one, 0, 0, ErrTooNew},
		{"TimestampZero", standardHeader(vectorID, "0", vectorStandard), one, 0, 0, ErrTooOld},
		{"NoSecret", signed, nil, 0, 0, ErrNoSecret},
		{"EmptySecret", signed, []string{""}, 0, 0, ErrNoSecret},
		{"BadSecret", signed, []string{vectorSecret, "plain"}, 0, 0, ErrInvalidSecret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(vectorUnix, 0).Add(tt.age)
			if err := VerifyStandard(tt.header, []byte(vectorBody), tt.secrets, tt.tolerance, now); !errors.Is(err, tt.want) {
				t.Errorf("VerifyStandard: %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyStandardRefusesAnotherBody(t *testing.T) {
	t.Parallel()
	h := standardHeader(vectorID, "1640995200", vectorStandard)
	if err := VerifyStandard(h, []byte(vectorBody+"\n"), []string{vectorSecret}, -1, time.Time{}); !errors.Is(err, ErrMismatch) {
		t.Errorf("VerifyStandard: %v, want ErrMismatch", err)
	}
}
