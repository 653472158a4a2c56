package cli

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hostile is what a receiver may answer to take over the terminal of who looks at it.
const hostile = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202eevil\r\nsecond line"

// newReceiver verifies by one secret, and does what its path says.
func newReceiver(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		err = errors.Join(err, signature.VerifyStandard(r.Header, body, []string{secret}, 0, time.Now()))
		switch {
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/failing"):
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasPrefix(r.URL.Path, "/hostile"):
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, hostile)
		default:
			io.WriteString(w, "ok")
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}
