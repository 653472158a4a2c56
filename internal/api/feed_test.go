package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

const feedSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// feedWorld has an endpoint and an event that was accepted a while ago, without a
// delivery: it was down.
type feedWorld struct {
	*bundle
	key, endpoint, path string
	event               webhook.Event
}

func newFeedWorld(t *testing.T, fields string) *feedWorld {
	t.Helper()
	b := setup(t)
	w := &feedWorld{bundle: b, key: b.workspace("mine")}
	at := time.Now().Add(-time.Minute)
	id := webhook.NewID(at.Add(-time.Minute))
	_, err := newEndpoints(b).Create(t.Context(), webhook.Endpoint{
		ID: id, WorkspaceID: "mine", URL: "https://example.com/", Events: []string{"*"}, IsActive: true, Secret: feedSecret, Format: webhook.Format(fields),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.endpoint = id.Format(webhook.EndpointPrefix)
	w.path = "/v1/endpoints/" + w.endpoint + "/feed"
	w.event = webhook.Event{ID: webhook.NewID(at), ExternalID: "own", WorkspaceID: "mine", Type: "post.created", CreatedAt: at}
	w.event.Body = webhook.EncodeBody("own", w.event.Type, at, []byte(`{"n":1}`), "mine")
	if _, err := postgres.NewIngest(b.db).Commit(t.Context(), &webhook.Group{Events: []webhook.Event{w.event}}); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFeed(t *testing.T) {
	t.Parallel()

	t.Run("HasTheBodyOfTheRequests", func(t *testing.T) {
		t.Parallel()
		for format, want := range map[webhook.Format]string{
			webhook.FormatStandard: "", webhook.FormatRaw: `{"n":1}`,
		} {
			w := newFeedWorld(t, string(format))
			a := w.call(w.key, "GET", w.path, "").want(http.StatusOK)
			if want == "" {
				want = string(w.event.Body)
			}
			all := a.data()
			if len(all) != 1 || string(encodeJSON(all[0]["payload"])) != spelled(t, want) {
				t.Fatalf("%s: got %s, want %s", format, a.raw, want)
			}
			if e := all[0]; e["id"] != "own" || e["status"] != nil || e["delivery_id"] != nil || a.object()["has_more"] != false {
				t.Errorf("%s: got %s", format, a.raw)
			}
		}
	})

	t.Run("GoesOnFromItsCursor", func(t *testing.T) {
		t.Parallel()
		w := newFeedWorld(t, "")
		cursor := w.call(w.key, "GET", w.path+"?limit=1", "").want(http.StatusOK).text("next_cursor")
		for range 2 { // there always is a next one
			a := w.call(w.key, "GET", w.path+"?cursor="+cursor, "").want(http.StatusOK)
			if len(a.data()) != 0 {
				t.Errorf("read twice: %s", a.raw)
			}
			cursor = a.text("next_cursor")
		}
		for _, bad := range []string{"cursor=x", "limit=0", "limit=251", "since=yesterday", "until=2024-01-15T00:00:00Z"} {
			w.call(w.key, "GET", w.path+"?"+bad, "").want(http.StatusUnprocessableEntity)
		}
	})

	t.Run("BeginsAtSince", func(t *testing.T) {
		t.Parallel()
		w := newFeedWorld(t, "")
		at := w.event.ID.Time()
		for since, want := range map[time.Time]int{at: 1, at.Add(-time.Hour): 1, at.Add(time.Microsecond): 0} {
			if got := w.call(w.key, "GET", w.path+"?since="+since.Format(time.RFC3339Nano), "").want(http.StatusOK).data(); len(got) != want {
				t.Errorf("since %s: %v", since, got)
			}
		}
	})
}

func TestFeedIsOpenedBy(t *testing.T) {
	t.Parallel()
	w := newFeedWorld(t, "")
	denied := func(key, path string, headers ...string) {
		t.Helper()
		w.call(key, "GET", path, "", headers...).problem(http.StatusUnauthorized, webhook.CodeUnauthorized)
	}
	other := w.call(w.key, "POST", "/v1/endpoints", `{"url":"https://example.com/","events":["*"]}`).want(http.StatusCreated)

	// Its own secret, whoever's workspace that is.
	w.call(feedSecret, "GET", w.path, "").want(http.StatusOK)
	w.call(feedSecret, "GET", w.path, "", "X-Workspace-ID", "mine").want(http.StatusOK)
	w.call(feedSecret, "GET", w.path, "", "X-Workspace-ID", "other").problem(http.StatusNotFound, webhook.CodeNotFound)
	denied(feedSecret[:len(feedSecret)-1], w.path)
	denied(other.text("secret"), w.path)
	denied(feedSecret, "/v1/endpoints/"+other.text("id")+"/feed")
	denied(feedSecret, "/v1/endpoints/"+webhook.NewID(time.Now()).Format(webhook.EndpointPrefix)+"/feed")
	denied(feedSecret, "/v1/endpoints/x/feed")

	// And nothing but the feed.
	for _, path := range []string{"", "/deliveries", "/stats", "/secret"} {
		denied(feedSecret, "/v1/endpoints/"+w.endpoint+path)
	}

	// While secrets rotate: both; then the new one alone.
	rotated := w.call(w.key, "POST", "/v1/endpoints/"+w.endpoint+"/secret/rotate", "").want(http.StatusOK).text("secret")
	w.call(feedSecret, "GET", w.path, "").want(http.StatusOK)
	w.call(rotated, "GET", w.path, "").want(http.StatusOK)
	w.call(w.key, "POST", "/v1/endpoints/"+w.endpoint+"/secret/promote", "").want(http.StatusOK)
	denied(feedSecret, w.path)
	w.call(rotated, "GET", w.path, "").want(http.StatusOK)

	// Also of an endpoint that is disabled, but not of one that is gone.
	w.call(w.key, "PATCH", "/v1/endpoints/"+w.endpoint, `{"is_active":false}`).want(http.StatusOK)
	if got := w.call(rotated, "GET", w.path, "").want(http.StatusOK).data(); len(got) != 1 {
		t.Errorf("a disabled endpoint's feed: %v", got)
	}
	w.call(w.key, "DELETE", "/v1/endpoints/"+w.endpoint, "").want(http.StatusNoContent)
	denied(rotated, w.path)
	w.call(w.key, "GET", w.path, "").problem(http.StatusNotFound, webhook.CodeNotFound)
}

func TestFeedCountsIntoTheEndpointsOwnRate(t *testing.T) {
	t.Parallel()
	id := webhook.NewID(time.Now())
	if got := (caller{endpoint: id, key: webhook.Key{WorkspaceID: "mine"}}).id(); got != id {
		t.Errorf("got %v", got)
	}
}

// spelled is JSON as the tests' own decoder and encoder leave it.
func spelled(t *testing.T, text string) string {
	t.Helper()
	a := answer{t: t, raw: []byte(text)}
	return string(encodeJSON(a.object()))
}
