package hooktest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
)

// RequestOption changes what NewRequest makes: a Mistake, EventID or Attempt.
type RequestOption interface{ change(*draft) }

// EventID gives the event this id, as a retry or a replay has; without it each
// request has one of its own.
func EventID(id string) RequestOption { return option(func(d *draft) { d.id = id }) }

// Attempt makes the request the delivery's nth.
func Attempt(n int) RequestOption { return option(func(d *draft) { d.attempt = n }) }

type option func(*draft)

func (o option) change(d *draft) { o(d) }

// draft is a request before it is made.
type draft struct {
	secret, id, eventType string
	payload               json.RawMessage
	at                    time.Time
	attempt               int
	body                  []byte
	header                http.Header
	mistakes              []Mistake
}

// NewRequest makes the request that Postrider makes for an event, signed in both
// schemes, to /webhooks: for the ServeHTTP of a handler, or, with another URL, to
// be sent. payload is anything that is a JSON object. With mistakes it is one
// that a receiver has to refuse.
//
//	hooktest.NewRequest(t, secret, "post.created", post)
//	hooktest.NewRequest(t, secret, "post.created", post, hooktest.WrongSecret)
func NewRequest(t testing.TB, secret, eventType string, payload any, options ...RequestOption) *http.Request {
	t.Helper()
	data, err := encoded(payload)
	if err != nil || !bytes.HasPrefix(data, []byte("{")) {
		t.Fatalf("hooktest.NewRequest: the payload %#v is no JSON object: %v", payload, err)
	}
	d := &draft{
		secret: secret, id: "evt_" + rand.Text(), eventType: eventType, payload: data,
		at: time.Now(), attempt: 1, header: http.Header{},
	}
	for _, o := range options {
		o.change(d)
	}
	if err := d.sign(); err != nil {
		t.Fatalf("hooktest.NewRequest: %v", err)
	}
	// A body that can be read again, so that the request can be cloned and sent twice.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://receiver.test/webhooks", bytes.NewReader(d.body))
	if err != nil {
		t.Fatalf("hooktest.NewRequest: %v", err)
	}
	r.Header = d.header
	return r
}

// sign writes the body and the headers, and makes the mistakes at their place.
func (d *draft) sign() error {
	for _, m := range d.mistakes {
		m.before(d)
	}
	d.body = d.envelope()
	signer, err := signature.NewSigner(d.secret)
	if err != nil {
		return err
	}
	seconds := strconv.FormatInt(d.at.Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type":                    "application/json",
		"User-Agent":                      "Postrider/hooktest",
		signature.HeaderSignature:         signer.Sign(d.body),
		signature.HeaderTimestamp:         seconds,
		signature.HeaderID:                d.id,
		signature.HeaderEvent:             d.eventType,
		signature.HeaderDelivery:          "dlv_" + strings.TrimPrefix(d.id, "evt_"),
		signature.HeaderAttempt:           strconv.Itoa(d.attempt),
		signature.HeaderStandardID:        d.id,
		signature.HeaderStandardTimestamp: seconds,
		signature.HeaderStandardSignature: signer.SignStandard(d.id, d.at, d.body),
	} {
		d.header.Set(name, value)
	}
	for _, m := range d.mistakes {
		m.after(d)
	}
	return nil
}

// envelope is the body in the format "standard".
func (d *draft) envelope() []byte {
	body, err := encoded(struct {
		ID          string                     `json:"id"`
		Type        string                     `json:"type"`
		CreatedAt   time.Time                  `json:"created_at"`
		Data        map[string]json.RawMessage `json:"data"`
		WorkspaceID int                        `json:"workspace_id"`
	}{d.id, d.eventType, d.at.UTC(), map[string]json.RawMessage{"object": d.payload}, 1})
	if err != nil {
		panic(err) // the payload was encoded before
	}
	return body
}

// encoded is a value as Postrider writes it: minified, without escapes for HTML,
// and without a newline at its end.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
