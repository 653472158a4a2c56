package console

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/sse"
)

// origin is what the API is to know of the reader's own request.
type origin struct {
	remoteAddr, requestID string
	// base is where people reach the console: within the process a request has no host.
	base string
}

type originKey struct{}

// inProcess takes requests to a handler in the same process. Their context says who
// makes them.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = in.URL.RequestURI(), in.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if o, ok := r.Context().Value(originKey{}).(origin); ok {
		in.RemoteAddr = o.remoteAddr
		in.Header.Set("X-Request-ID", o.requestID)
	}
	if r.Header.Get("Accept") == sse.Type {
		return t.open(in)
	}
	w := &answer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, context.Cause(r.Context())
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header  http.Header
	status  int
	written bool
	body    bytes.Buffer
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if !w.written {
		w.status, w.written = status, true
	}
}

func (w *answer) Write(b []byte) (int, error) {
	w.written = true
	return w.body.Write(b)
}

// newClient makes the API's client for a workspace; the context of each call says who
// calls. There is nothing to try again within a process, and the reader waits.
func (c *Console) newClient(workspace string) *client.Client {
	return client.NewWith("http://console", "signed-in", client.Config{
		HTTPClient: &http.Client{Transport: inProcess{c.deps.API}}, Workspace: workspace, MaxRetries: -1,
	})
}
