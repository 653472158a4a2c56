package signature

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// receive sends one request through the middleware and returns the answer's
// status and the body that the handler saw.
func receive(t *testing.T, cfg MiddlewareConfig, header http.Header, body io.Reader) (status int, seen string) {
	t.Helper()
	cfg.Now = func() time.Time { return time.Unix(vectorUnix, 0) }
	verified, err := Middleware(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header = header
	w := httptest.NewRecorder()
	verified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = string(read)
	})).ServeHTTP(w, r)
	return w.Code, seen
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestMiddleware(t *testing.T) {
	t.Parallel()
	signed := standardHeader(vectorID, "1640995200", vectorStandard)
	secrets := []string{vectorSecret}
	size := int64(len(vectorBody))
	tests := []struct {
		name   string
		cfg    MiddlewareConfig
		header http.Header
		body   io.Reader
		status int
		seen   string
	}{
		{"Signed", MiddlewareConfig{Secrets: secrets}, signed, strings.NewReader(vectorBody), 200, vectorBody},
		{"JustSmallEnough", MiddlewareConfig{Secrets: secrets, MaxBodyBytes: size}, signed, strings.NewReader(vectorBody), 200, vectorBody},
		{"TooLarge", MiddlewareConfig{Secrets: secrets, MaxBodyBytes: size - 1}, signed, strings.NewReader(vectorBody), 413, ""},
		{"AnotherBody", MiddlewareConfig{Secrets: secrets}, signed, strings.NewReader("{}"), 401, ""},
		{"AnotherSecret", MiddlewareConfig{Secrets: []string{otherSecret}}, signed, strings.NewReader(vectorBody), 401, ""},
		{"Unsigned", MiddlewareConfig{Secrets: secrets}, http.Header{}, strings.NewReader(vectorBody), 401, ""},
		{"BrokenBody", MiddlewareConfig{Secrets: secrets}, signed, brokenBody{}, 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if status, seen := receive(t, tt.cfg, tt.header, tt.body); status != tt.status || seen != tt.seen {
				t.Errorf("answer %d, the handler saw %q; want %d and %q", status, seen, tt.status, tt.seen)
			}
		})
	}
}

func TestMiddlewareRefusesToStartOpen(t *testing.T) {
	t.Parallel()
	if _, err := Middleware(MiddlewareConfig{}); !errors.Is(err, ErrNoSecret) {
		t.Errorf("without secrets: %v, want ErrNoSecret", err)
	}
	if _, err := Middleware(MiddlewareConfig{Secrets: []string{"plain"}}); !errors.Is(err, ErrInvalidSecret) {
		t.Errorf("with a bad secret: %v, want ErrInvalidSecret", err)
	}
}
