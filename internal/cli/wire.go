package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// wire keeps the last answer's body as it came, so that --output json shows the
// API's own JSON: with what a later release adds, and numbers as they are spelled.
// A command makes one request at a time.
type wire struct {
	next  http.RoundTripper
	body  []byte
	items []json.RawMessage // of the newest page, not yet taken
	fresh bool              // the body is of a page that no item was taken of
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	if err != nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp, err
	}
	var kept bytes.Buffer
	resp.Body = &tee{io.TeeReader(resp.Body, &kept), resp.Body, func() { w.body, w.fresh = kept.Bytes(), true }}
	return resp, nil
}

type tee struct {
	io.Reader
	io.Closer
	read func()
}

func (t *tee) Close() error {
	t.read()
	return t.Closer.Close()
}

// item is the next thing of a list, as the API wrote it. The client asks for a page
// only when all of the one before was taken, so the two go along.
func (w *wire) item() (json.RawMessage, error) {
	if w.fresh {
		var page struct {
			Data []json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(w.body, &page); err != nil {
			return nil, err
		}
		w.items, w.fresh = page.Data, false
	}
	if len(w.items) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	raw := w.items[0]
	w.items = w.items[1:]
	return raw, nil
}
