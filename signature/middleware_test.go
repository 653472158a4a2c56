package signature

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// passage is what became of a request that was sent through the middleware.
type passage struct {
	status int
	answer string
	seen   string // the body that the handler saw, if it was called
	event  Event
	told   error // what OnError was told
}

func pass(t *testing.T, cfg Config, header http.Header, body io.Reader) passage {
	t.Helper()
	var p passage
	cfg.Now = func() time.Time { return time.Unix(vectorUnix, 0) }
	cfg.OnError = func(_ *http.Request, err error) { p.told = err }
	verified, err := Middleware(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header = header
	w := httptest.NewRecorder()
	verified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(read)) {
			t.Errorf("the handler's body: %v, content length %d of %d", err, r.ContentLength, len(read))
		}
		p.seen = string(read)
		p.event, _ = EventFrom(r.Context())
	})).ServeHTTP(w, r)
	p.status, p.answer = w.Code, w.Body.String()
	return p
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestMiddleware(t *testing.T) {
	t.Parallel()
	size := int64(len(vectorBody))
	signed := func(body string) http.Header {
		return standardHeader(vectorID, "1640995200", newSigner(t, vectorSecret).SignStandard(vectorID, time.Unix(vectorUnix, 0), []byte(body)))
	}
	tests := []struct {
		name   string
		cfg    Config
		header http.Header
		body   io.Reader
		status int
		told   error
	}{
		{"Signed", Config{}, vectorHeader(), strings.NewReader(vectorBody), 200, nil},
		{"JustSmallEnough", Config{MaxBodyBytes: size}, vectorHeader(), strings.NewReader(vectorBody), 200, nil},
		{"TooLarge", Config{MaxBodyBytes: size - 1}, vectorHeader(), strings.NewReader(vectorBody), 413, ErrUnreadableBody},
		{"AnotherBody", Config{}, signed("{}"), strings.NewReader(vectorBody), 401, ErrWrongSecret},
		{"AnotherSecret", Config{Secrets: []string{otherSecret}}, vectorHeader(), strings.NewReader(vectorBody), 401, ErrWrongSecret},
		{"Unsigned", Config{}, http.Header{}, strings.NewReader(vectorBody), 401, ErrMissingHeader},
		{"UnsignedAndTooLarge", Config{MaxBodyBytes: 1}, http.Header{}, strings.NewReader(vectorBody), 401, ErrMissingHeader},
		{"BrokenBody", Config{}, vectorHeader(), brokenBody{}, 400, ErrUnreadableBody},
		{"SignedButNoEvent", Config{}, signed("[1]"), strings.NewReader("[1]"), 400, ErrMalformedEvent},
		{"SignedNull", Config{}, signed("null"), strings.NewReader("null"), 400, ErrMalformedEvent},
		{"NoBody", Config{}, vectorHeader(), nil, 401, ErrBodyChanged},
		{"Replayed", Config{Replay: guard{first: false}}, vectorHeader(), strings.NewReader(vectorBody), 401, ErrReplayed},
		{"GuardFails", Config{Replay: guard{err: io.ErrClosedPipe}}, vectorHeader(), strings.NewReader(vectorBody), 503, io.ErrClosedPipe},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.cfg.Secrets == nil {
				tt.cfg.Secrets = []string{vectorSecret}
			}
			got := pass(t, tt.cfg, tt.header, tt.body)
			if got.status != tt.status || !errors.Is(got.told, tt.told) {
				t.Errorf("answer %d, told %v; want %d and %v", got.status, got.told, tt.status, tt.told)
			}
			if called := got.seen == vectorBody && got.event.ID == vectorID; called != (tt.status == 200) || !called && got.seen != "" {
				t.Errorf("the handler saw %q and %+v", got.seen, got.event)
			}
		})
	}
}

func TestMiddlewareTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	cfg := Config{Secrets: []string{vectorSecret}, Replay: guard{first: false}}
	changed, ids := vectorHeader(), vectorHeader()
	ids.Set(HeaderStandardID, "evt_other")
	changed.Set(HeaderStandardSignature, vectorStandard[:len(vectorStandard)-3]+"A=")
	answers := map[string]bool{}
	for _, p := range []passage{
		pass(t, cfg, http.Header{}, strings.NewReader(vectorBody)),
		pass(t, cfg, changed, strings.NewReader(vectorBody)),
		pass(t, cfg, ids, strings.NewReader(vectorBody)),
		pass(t, cfg, vectorHeader(), strings.NewReader(vectorBody)),
		pass(t, cfg, vectorHeader(), strings.NewReader(vectorBody+" ")),
		pass(t, cfg, vectorHeader(), strings.NewReader("")),
		pass(t, cfg, standardHeader(vectorID, "1", vectorStandard), strings.NewReader(vectorBody)),
	} {
		if p.told == nil || p.status != http.StatusUnauthorized {
			t.Errorf("answer %d, told %v", p.status, p.told)
		}
		answers[p.answer] = true
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
}

func TestMiddlewareTakesARequestWithoutABody(t *testing.T) {
	t.Parallel()
	verified, err := Middleware(Config{Secrets: []string{vectorSecret}, Tolerance: -1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = vectorHeader()
	w := httptest.NewRecorder()
	verified(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("answer %d", w.Code)
	}
}

func TestMiddlewareRefusesToStartOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  Config
		want error
	}{
		{"NoSecret", Config{}, ErrNoSecret},
		{"EmptySecret", Config{Secrets: []string{vectorSecret, ""}}, ErrNoSecret},
		{"BadSecret", Config{Secrets: []string{"plain"}}, ErrInvalidSecret},
		{"UnknownScheme", Config{Secrets: []string{vectorSecret}, Scheme: 9}, ErrInvalidConfig},
		{"ReplayWithoutATimestamp", Config{Secrets: []string{vectorSecret}, Scheme: SchemeBody, Replay: guard{}}, ErrInvalidConfig},
		{"ReplayOfAnyAge", Config{Secrets: []string{vectorSecret}, Tolerance: -1, Replay: guard{}}, ErrInvalidConfig},
		{"ReplayOverDays", Config{Secrets: []string{vectorSecret}, Tolerance: 25 * time.Hour, Replay: guard{}}, ErrInvalidConfig},
	} {
		if _, err := Middleware(tt.cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// guard is a ReplayGuard that always says the same.
type guard struct {
	first bool
	err   error
}

func (g guard) Claim(context.Context, string, time.Duration) (bool, error) { return g.first, g.err }
