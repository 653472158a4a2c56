package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/postrider/postrider/internal/sse"
)

// asked makes the request of a stream to a handler in the process.
func asked(t *testing.T, ctx context.Context, h http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://console/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", sse.Type)
	return inProcess{h}.RoundTrip(req)
}

func TestAStreamWithinTheProcess(t *testing.T) {
	t.Parallel()

	t.Run("IsReadAsItIsWrittenAndEndsWithItsReader", func(t *testing.T) {
		t.Parallel()
		over := make(chan struct{})
		resp, err := asked(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
			defer close(over)
			out := sse.Begin(w, 0)
			w.Header().Set("X-Late", "yes")
			out.Send("attempt", []byte("1"))
			<-r.Context().Done()
		})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len("retry: 0\n\nevent: attempt\ndata: 1\n\n"))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != "retry: 0\n\nevent: attempt\ndata: 1\n\n" {
			t.Errorf("got %q, %v", got, err)
		}
		if resp.Header.Get("Content-Type") != sse.Type || resp.Header.Get("X-Late") != "" {
			t.Errorf("headers %v", resp.Header)
		}
		_ = resp.Body.Close()
		select {
		case <-over:
		default:
			t.Error("closing does not wait for the handler")
		}
	})
	t.Run("EndsWithItsContext", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		begun := make(chan struct{})
		go func() { <-begun; cancel() }()
		resp, err := asked(t, ctx, func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
		})
		if err == nil { // it ended without a word
			_ = resp.Body.Close()
		}
	})
	t.Run("MayBeRefused", func(t *testing.T) {
		t.Parallel()
		resp, err := asked(t, t.Context(), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, "too many")
		})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusTooManyRequests || string(got) != "too many" || err != nil {
			t.Errorf("got %d %q, %v", resp.StatusCode, got, err)
		}
	})
	t.Run("AndAPanicEndItAlone", func(t *testing.T) {
		t.Parallel()
		resp, err := asked(t, t.Context(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); len(got) != 0 || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
