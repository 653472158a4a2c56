package e2e

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

// must is a value without an error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// count goes through all pages.
func count[T any](t *testing.T, all func(func(T, error) bool)) (n int) {
	t.Helper()
	all(func(_ T, err error) bool {
		if err != nil {
			t.Fatal(err)
		}
		n++
		return true
	})
	return n
}

// TestClient uses every method of the client on the real programs.
func TestClient(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	w := newWatched(t)
	as := func(key, workspace string) *client.Client {
		return client.NewWith(api.URL, key, client.Config{HTTPClient: &http.Client{Transport: w}, Workspace: workspace})
	}
	admin := as(stack.AdminKey, "")
	clientsWorkspace(t, admin)
	key := must(admin.Keys.Create(t.Context(), "7456", client.KeyInput{Name: "test"}))(t)
	c := as(key.Key, "")
	clientsEventTypes(t, c)
	e, failing := clientsEndpoints(t, c)
	clientsEvents(t, c, e, failing)
	clientsBatcher(t, c, e)
	clientsReplays(t, c, e)
	clientsErrors(t, c)
	clientsEnd(t, admin, c, e, key)
	for _, id := range slices.Sorted(maps.Values(w.ids)) {
		if id != "getDocs" && !w.seen[id] {
			t.Errorf("%s did not succeed", id)
		}
	}
}

func clientsWorkspace(t *testing.T, admin *client.Client) {
	t.Helper()
	ctx := t.Context()
	if err := admin.Health(ctx); err != nil {
		t.Fatal(err)
	}
	if d := must(admin.Description(ctx))(t); !bytes.Contains(d, []byte(`"publishEvent"`)) {
		t.Errorf("the description is %.100s", d)
	}
	if q := must(admin.Queues.Get(ctx))(t); len(q.Queues) == 0 {
		t.Errorf("the queues are %+v", q)
	}
	made := must(admin.Workspaces.Create(ctx, client.WorkspaceInput{ID: "7456", Name: "Blog"}))(t)
	if made.ID != "7456" || !reflect.DeepEqual(must(admin.Workspaces.Get(ctx, "7456"))(t), made) {
		t.Errorf("made %+v", made)
	}
	if w := must(admin.Workspaces.Update(ctx, "7456", client.WorkspacePatch{Name: "My Blog"}))(t); w.Name != "My Blog" {
		t.Errorf("renamed to %+v", w)
	}
	if l := must(admin.Workspaces.CreatePortalLink(ctx, "7456", client.PortalLinkInput{Abilities: []client.PortalAbility{client.PortalView}}))(t); l.WorkspaceID != "7456" || !strings.Contains(l.URL, "/portal/enter?token=") || len(l.Abilities) != 1 {
		t.Errorf("got %+v", l)
	}
	if n := count(t, admin.Workspaces.All(ctx, client.ListOptions{Limit: 1})); n < 1 {
		t.Errorf("there are %d workspaces", n)
	}
}

func clientsEventTypes(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	templates := must(c.EventTypes.Templates(ctx, "post"))(t)
	for _, template := range templates {
		in := client.EventTypeInput{Description: template.Description, Schema: template.Schema, Validation: client.ValidationWarn, Example: template.Example}
		must(c.EventTypes.Put(ctx, template.Name, in))(t)
	}
	if n := count(t, c.EventTypes.All(ctx, client.ListOptions{Limit: 2})); n != len(templates) || n < 5 {
		t.Errorf("%d of %d event types are listed", n, len(templates))
	}
	if got := must(c.EventTypes.Get(ctx, "post.created"))(t); got.Validation != client.ValidationWarn || got.WorkspaceID != "7456" {
		t.Errorf("got %+v", got)
	}
	if err := c.EventTypes.Delete(ctx, "post.archived"); err != nil {
		t.Error(err)
	}
}

// receiving is a receiver that verifies, and fails where its path says so.
func receiving(t *testing.T) (url, secret string) {
	t.Helper()
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		err = errors.Join(err, signature.VerifyStandard(r.Header, body, []string{secret}, 0, time.Now()))
		switch {
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/failing":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			io.WriteString(w, "ok")
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, secret
}

func clientsEndpoints(t *testing.T, c *client.Client) (e, failing client.Endpoint) {
	t.Helper()
	ctx := t.Context()
	url, secret := receiving(t)
	e = must(c.Endpoints.Create(ctx, client.EndpointInput{
		URL: url + "/good", Events: []string{"post.*"}, Filters: map[string]any{"status": "published"}, Secret: &secret,
		Headers: map[string]string{"X-Team": "search"}, Metadata: map[string]any{"team": "search"}, RateLimit: new(500), RetrySchedule: []int{1},
	}))(t)
	failing = must(c.Endpoints.Create(ctx, client.EndpointInput{URL: url + "/failing", Events: []string{"*"}, Secret: &secret, RetrySchedule: []int{}}))(t)
	if got := must(c.Endpoints.Check(ctx, client.EndpointInput{URL: url, Events: []string{"a..b"}}))(t); got.Valid || len(got.Errors) != 1 {
		t.Errorf("got %+v", got)
	}
	if n := count(t, c.Endpoints.AllHealth(ctx, e.ID, client.ListOptions{})); n != 1 {
		t.Errorf("the health of %d endpoints is told", n)
	}
	changed := must(c.Endpoints.Update(ctx, e.ID, client.EndpointPatch{
		RateLimit: client.Null[int](), Description: client.Set("index"), Headers: client.Set(map[string]*string{"X-Team": nil, "X-Other": new("x")}),
	}))(t)
	if changed.RateLimit != nil || changed.Description != "index" || len(changed.Headers) != 1 || changed.Headers["X-Other"] != "***" || !changed.IsActive {
		t.Errorf("changed to %+v", changed)
	}
	if got := must(c.Endpoints.Get(ctx, e.ID))(t); got.Secret != "" || string(got.Filters) != `{"status":"published"}` {
		t.Errorf("got %+v", got)
	}
	if n := count(t, c.Endpoints.All(ctx, client.ListOptions{Limit: 1})); n != 2 {
		t.Errorf("there are %d endpoints", n)
	}
	if got := must(c.Endpoints.Secret(ctx, e.ID))(t); got.Secret != secret || e.Secret != secret {
		t.Errorf("the secret is %+v", got)
	}
	if got := must(c.Endpoints.Test(ctx, e.ID, client.TestInput{Data: map[string]any{"a": 1}}))(t); !got.Success || *got.StatusCode != 200 || *got.ResponseBody != "ok" {
		t.Errorf("the test request got %+v", got)
	}
	if got := must(c.Endpoints.Diagnose(ctx, e.ID))(t); !got.OK || len(got.Steps) == 0 {
		t.Errorf("the diagnosis is %+v", got)
	}
	return e, failing
}
