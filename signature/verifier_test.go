package signature

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// vectorHeader is the contract's request.
func vectorHeader() http.Header {
	h := standardHeader(vectorID, "1640995200", vectorStandard)
	for name, value := range map[string]string{
		HeaderSignature: vectorSigned, HeaderTimestamp: "1640995200", HeaderID: vectorID,
		HeaderEvent: "post.created", HeaderDelivery: "dlv_1", HeaderAttempt: "2",
	} {
		h.Set(name, value)
	}
	return h
}

// with returns the contract's request with headers changed, or taken away by "".
func with(namesAndValues ...string) http.Header {
	h := vectorHeader()
	for i := 0; i < len(namesAndValues); i += 2 {
		h.Del(namesAndValues[i])
		if value := namesAndValues[i+1]; value != "" {
			h.Set(namesAndValues[i], value)
		}
	}
	return h
}

func newVerifier(t testing.TB, cfg Config, age time.Duration) *Verifier {
	t.Helper()
	if cfg.Secrets == nil {
		cfg.Secrets = []string{vectorSecret}
	}
	cfg.Now = func() time.Time { return time.Unix(vectorUnix, 0).Add(age) }
	v, err := NewVerifier(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifierSchemes(t *testing.T) {
	t.Parallel()
	noStandard := with(HeaderStandardID, "", HeaderStandardTimestamp, "", HeaderStandardSignature, "")
	noBody := with(HeaderSignature, "")
	badStandard := with(HeaderStandardSignature, "v1,"+strings.Repeat("A", 43)+"=")
	badBody := with(HeaderSignature, "sha256="+strings.Repeat("0", 64))
	for _, tt := range []struct {
		name                               string
		header                             http.Header
		auto, onlyStandard, onlyBody, both error
	}{
		{"Vector", vectorHeader(), nil, nil, nil, nil},
		{"WithoutStandard", noStandard, nil, ErrMissingHeader, nil, ErrMissingHeader},
		{"WithoutBody", noBody, nil, nil, ErrMissingHeader, ErrMissingHeader},
		{"WrongStandard", badStandard, ErrMismatch, ErrMismatch, nil, ErrMismatch},
		{"WrongBody", badBody, nil, nil, ErrMismatch, ErrMismatch},
		{"HalfOfStandard", with(HeaderStandardSignature, ""), ErrMissingHeader, ErrMissingHeader, nil, ErrMissingHeader},
		{"Neither", http.Header{}, ErrMissingHeader, ErrMissingHeader, ErrMissingHeader, ErrMissingHeader},
	} {
		for scheme, want := range map[Scheme]error{SchemeAuto: tt.auto, SchemeStandard: tt.onlyStandard, SchemeBody: tt.onlyBody, SchemeBoth: tt.both} {
			t.Run(tt.name+"/"+scheme.String(), func(t *testing.T) {
				t.Parallel()
				e, err := newVerifier(t, Config{Scheme: scheme}, 0).Verify(t.Context(), tt.header, []byte(vectorBody))
				if !errors.Is(err, want) || (err == nil) != (e.ID == vectorID) {
					t.Errorf("got %v, %v; want %v", e.ID, err, want)
				}
			})
		}
	}
}

func TestVerifierSaysWhichMistakeItIs(t *testing.T) {
	t.Parallel()
	const indented = "{\n  \"id\": \"evt_abc123def456\",\n  \"type\": \"post.created\"\n}"
	sorted := strings.Replace(vectorBody, `{"id":"evt_abc123def456","type":"post.created","created_at":"2024-01-15T10:30:00Z",`, `{"created_at":"2024-01-15T10:30:00Z",`, 1)
	sorted = strings.Replace(sorted, `,"workspace_id":456}`, `,"id":"evt_abc123def456","type":"post.created","workspace_id":456}`, 1)
	spaced := strings.ReplaceAll(vectorBody, `":`, `": `)
	standardOnly := with(HeaderSignature, "")
	bodyOnly := Config{Scheme: SchemeBody}
	for _, tt := range []struct {
		name   string
		cfg    Config
		header http.Header
		body   string
		age    time.Duration
		want   error
		says   string
	}{
		{"AnotherSecret", Config{Secrets: []string{otherSecret}}, vectorHeader(), vectorBody, 0, ErrWrongSecret, "none of the 1"},
		{"AnotherSecretOfTheBody", Config{Secrets: []string{otherSecret}, Scheme: SchemeBody}, vectorHeader(), vectorBody, 0, ErrWrongSecret, "none of the 1"},
		{"AValueChanged", Config{}, vectorHeader(), strings.Replace(vectorBody, "123", "124", 1), 0, ErrWrongSecret, "value"},
		{"EmptyBody", Config{}, vectorHeader(), "", 0, ErrBodyChanged, "empty"},
		{"Newline", Config{}, standardOnly, vectorBody + "\n", 0, ErrBodyChanged, "white space"},
		{"Respaced", Config{}, standardOnly, spaced, 0, ErrBodyChanged, "white space"},
		{"RespacedUnderTheOtherScheme", bodyOnly, vectorHeader(), spaced, 0, ErrBodyChanged, "white space"},
		{"SortedKeys", Config{}, standardOnly, sorted, 0, ErrBodyChanged, "order"},
		{"SortedAndRespaced", Config{}, standardOnly, strings.ReplaceAll(sorted, ",", ", "), 0, ErrBodyChanged, "order"},
		{"Indented", Config{}, vectorHeader(), indented, 0, ErrBodyChanged, "minified"},
		{"Form", Config{}, vectorHeader(), "id=evt_1&type=post.created", 0, ErrBodyChanged, "no JSON"},
		{"TooLargeToExplain", Config{}, standardOnly, vectorBody + strings.Repeat(" ", maxExplained), 0, ErrMismatch, ""},
		{"AnotherStandardID", Config{}, with(HeaderStandardID, "evt_other"), vectorBody, 0, ErrHeaderChanged, "webhook-id"},
		{"AnotherStandardTimestamp", Config{}, with(HeaderStandardTimestamp, "1640995201"), vectorBody, 0, ErrHeaderChanged, "webhook-timestamp"},
		{"SignedByTheOldSecret", bodyOnly, with(HeaderSignature, Sign(otherSecret, []byte(vectorBody))), vectorBody, 0, ErrWrongSecret, "rotate"},
		{"AnotherUnsignedID", bodyOnly, with(HeaderID, "evt_other"), vectorBody, 0, ErrHeaderChanged, "X-Webhook-ID"},
		{"NoVersionOne", Config{}, with(HeaderStandardSignature, "v1a,AAAA"), vectorBody, 0, ErrMalformedHeader, "v1,"},
		{"UpperCase", bodyOnly, with(HeaderSignature, "sha256="+strings.ToUpper(vectorSigned[7:])), vectorBody, 0, ErrMalformedHeader, "lowercase"},
		{"WithoutPrefix", bodyOnly, with(HeaderSignature, vectorSigned[7:]), vectorBody, 0, ErrMalformedHeader, "sha256="},
		{"Old", Config{}, vectorHeader(), vectorBody, 301 * time.Second, ErrTooOld, ""},
		{"New", Config{}, vectorHeader(), vectorBody, -301 * time.Second, ErrTooNew, ""},
		{"OldUnderTheOtherScheme", bodyOnly, vectorHeader(), vectorBody, 301 * time.Second, ErrTooOld, ""},
		{"MalformedTimestampUnderTheOtherScheme", bodyOnly, with(HeaderTimestamp, "now"), vectorBody, 0, ErrMalformedHeader, HeaderTimestamp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newVerifier(t, tt.cfg, tt.age).Verify(t.Context(), tt.header, []byte(tt.body))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v; want %v that says %q", err, tt.want, tt.says)
			}
			for _, other := range []error{ErrWrongSecret, ErrBodyChanged, ErrHeaderChanged} {
				if !errors.Is(tt.want, other) && errors.Is(err, other) {
					t.Errorf("%v is %v, too", err, other)
				}
			}
		})
	}
}

func TestVerifierTolerance(t *testing.T) {
	t.Parallel()
	for _, scheme := range []Scheme{SchemeStandard, SchemeBody} {
		for _, tt := range []struct {
			name           string
			tolerance, age time.Duration
			ok             bool
		}{
			{"AsOldAsAllowed", 0, 5 * time.Minute, true},
			{"AsNewAsAllowed", 0, -5 * time.Minute, true},
			{"Own", time.Hour, 59 * time.Minute, true},
			{"OwnExceeded", time.Second, 2 * time.Second, false},
			{"AnyAge", -1, 10_000 * time.Hour, true},
		} {
			_, err := newVerifier(t, Config{Scheme: scheme, Tolerance: tt.tolerance}, tt.age).Verify(t.Context(), vectorHeader(), []byte(vectorBody))
			if (err == nil) != tt.ok {
				t.Errorf("%s, %s: %v", scheme, tt.name, err)
			}
		}
	}
	unstamped := with(HeaderTimestamp, "")
	if _, err := newVerifier(t, Config{Scheme: SchemeBody}, time.Hour).Verify(t.Context(), unstamped, []byte(vectorBody)); err != nil {
		t.Errorf("without the timestamp that nobody signs: %v", err)
	}
}

// seen is a ReplayGuard.
type seen map[string]time.Duration

func (s seen) Claim(_ context.Context, key string, ttl time.Duration) (bool, error) {
	_, again := s[key]
	s[key] = ttl
	return !again, nil
}

func TestVerifierReplay(t *testing.T) {
	t.Parallel()
	remembered := seen{}
	v := newVerifier(t, Config{Replay: remembered}, 0)
	verify := func(h http.Header, body string) error {
		_, err := v.Verify(t.Context(), h, []byte(body))
		return err
	}
	if err := verify(vectorHeader(), vectorBody+" "); !errors.Is(err, ErrBodyChanged) || len(remembered) != 0 {
		t.Errorf("a stranger's: %v, remembered %v", err, remembered)
	}
	if err := verify(vectorHeader(), vectorBody); err != nil {
		t.Error(err)
	}
	if err := verify(vectorHeader(), vectorBody); !errors.Is(err, ErrReplayed) {
		t.Errorf("again: %v", err)
	}
	retry := with(HeaderStandardTimestamp, "1640995201",
		HeaderStandardSignature, newSigner(t, vectorSecret).SignStandard(vectorID, time.Unix(vectorUnix+1, 0), []byte(vectorBody)))
	if err := verify(retry, vectorBody); err != nil {
		t.Errorf("a retry: %v", err)
	}
	if ttl := remembered[vectorID+".1640995200."+vectorStandard]; ttl < 10*time.Minute {
		t.Errorf("remembered for %s: a timestamp five minutes ahead is good for ten", ttl)
	}
	other := Config{Secrets: []string{otherSecret}, Replay: remembered}
	toAnother := with(HeaderStandardSignature, newSigner(t, otherSecret).SignStandard(vectorID, time.Unix(vectorUnix, 0), []byte(vectorBody)))
	if _, err := newVerifier(t, other, 0).Verify(t.Context(), toAnother, []byte(vectorBody)); err != nil {
		t.Errorf("to another endpoint in the same second: %v", err)
	}
	downgraded := with(HeaderStandardID, "", HeaderStandardTimestamp, "", HeaderStandardSignature, "")
	if err := verify(downgraded, vectorBody); !errors.Is(err, ErrMissingHeader) {
		t.Errorf("as the scheme without a time: %v", err)
	}
}
