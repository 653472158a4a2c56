package signature

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// signedRequest is what the worker makes of a body.
func signedRequest(t testing.TB, body []byte) http.Header {
	t.Helper()
	s, at := newSigner(t, vectorSecret), time.Unix(vectorUnix, 0)
	h := with(HeaderSignature, s.Sign(body))
	h.Set(HeaderStandardTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(HeaderStandardSignature, s.SignStandard(vectorID, at, body))
	return h
}

func TestEventOfEachFormat(t *testing.T) {
	t.Parallel()
	created := time.Date(2024, 1, 15, 10, 30, 0, 5, time.UTC)
	const data = `{"id":123,"type":"x","big":12345678901234567890,"a":"<é>"}`
	for _, workspace := range []string{"456", "acme"} {
		stored := webhook.EncodeBody(vectorID, "post.created", created, json.RawMessage(data), webhook.WorkspaceID(workspace))
		full := Event{vectorID, "post.created", created, json.RawMessage(data), workspace, "dlv_1", 2}
		raw := full
		raw.CreatedAt, raw.WorkspaceID = time.Time{}, ""
		for format, want := range map[webhook.Format]Event{webhook.FormatStandard: full, webhook.FormatCloudEvents: full, webhook.FormatRaw: raw} {
			for _, scheme := range []Scheme{SchemeStandard, SchemeBody, SchemeBoth} {
				t.Run(workspace+"/"+string(format)+"/"+scheme.String(), func(t *testing.T) {
					t.Parallel()
					body := format.Body(stored, vectorID, "post.created", webhook.WorkspaceID(workspace))
					got, err := newVerifier(t, Config{Scheme: scheme}, 0).Verify(t.Context(), signedRequest(t, body), body)
					if err != nil {
						t.Fatal(err)
					}
					if !got.CreatedAt.Equal(want.CreatedAt) {
						t.Errorf("created at %s, want %s", got.CreatedAt, want.CreatedAt)
					}
					if got.CreatedAt = want.CreatedAt; !reflect.DeepEqual(got, want) {
						t.Errorf("got %+v, want %+v", got, want)
					}
				})
			}
		}
	}
}

func TestEventOfAPayloadThatLooksLikeAnEvent(t *testing.T) {
	t.Parallel()
	inside := `{"id":"evt_other","type":"a.b","created_at":"2024-01-15T10:30:00Z","data":{"object":{}},"workspace_id":1}`
	h := signedRequest(t, []byte(inside))
	e, err := newVerifier(t, Config{Scheme: SchemeStandard}, 0).Verify(t.Context(), h, []byte(inside))
	if err != nil || e.ID != vectorID || e.Type != "post.created" || string(e.Data) != inside {
		t.Errorf("where the id is signed: %+v, %v", e, err)
	}
	if _, err := newVerifier(t, Config{Scheme: SchemeBody}, 0).Verify(t.Context(), h, []byte(inside)); !errors.Is(err, ErrHeaderChanged) {
		t.Errorf("where it is not: %v", err)
	}
}

func TestEventWithoutItsUnsignedHeaders(t *testing.T) {
	t.Parallel()
	bare := http.Header{}
	bare.Set(HeaderSignature, vectorSigned)
	bare.Set(HeaderAttempt, "-1")
	e, err := newVerifier(t, Config{}, 0).Verify(t.Context(), bare, []byte(vectorBody))
	if err != nil || e.ID != vectorID || e.Type != "post.created" || e.Attempt != 0 || e.DeliveryID != "" {
		t.Errorf("got %+v, %v", e, err)
	}
	bare.Set(HeaderSignature, Sign(vectorSecret, []byte(`{}`)))
	if _, err := newVerifier(t, Config{}, 0).Verify(t.Context(), bare, []byte(`{}`)); !errors.Is(err, ErrMissingHeader) {
		t.Errorf("a payload alone, without an id: %v", err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	type post struct{ Title string }
	e := Event{ID: "evt_1", Type: "post.created", Data: json.RawMessage(`{"title":"x"}`)}
	if p, err := Decode[post](e); err != nil || p.Title != "x" {
		t.Errorf("got %+v, %v", p, err)
	}
	var typeError *json.UnmarshalTypeError
	if _, err := Decode[int](e); !errors.As(err, &typeError) {
		t.Errorf("got %v", err)
	}
	if _, ok := EventFrom(t.Context()); ok {
		t.Error("an event without the middleware")
	}
}
