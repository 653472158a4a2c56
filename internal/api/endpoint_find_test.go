package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func TestEndpointsAreFoundByStateAndText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("mine")
	b.endpoint(b.workspace("other"))
	made := func(body string) string {
		return b.call(key, "POST", "/v1/endpoints", body).want(http.StatusCreated).text("id")
	}
	search := made(`{"url":"https://example.com/search","events":["*"]}`)
	off := made(`{"url":"https://example.com/off","events":["*"],"description":"Suche, früher SEARCH","is_active":false}`)
	for query, want := range map[string]string{
		"state=disabled": off, "state=healthy": search, "search=Search": off + " " + search, "search=search&state=healthy": search,
		"state=failing": "", "state=breaker_open": "", "search=nothing": "", "search=fr%C3%BCHER": off, "search=&state=": off + " " + search,
	} {
		for path, field := range map[string]string{"/v1/endpoints": "id", "/v1/endpoint-health": "endpoint_id"} {
			var got []string
			for _, e := range b.call(key, "GET", path+"?"+query, "").want(http.StatusOK).data() {
				got = append(got, e[field].(string))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s?%s: got %v, want %s", path, query, got, want)
			}
		}
	}
	t.Run("PageByPage", func(t *testing.T) {
		first := b.call(key, "GET", "/v1/endpoints?search=example&limit=1", "").want(http.StatusOK)
		cursor := first.text("next_cursor")
		next := b.call(key, "GET", "/v1/endpoint-health?search=example&limit=1&cursor="+cursor, "").want(http.StatusOK)
		if all := next.data(); len(all) != 1 || all[0]["endpoint_id"] != search {
			t.Errorf("got %s", next.raw)
		}
	})
	for _, query := range []string{"state=broken", "search=" + strings.Repeat("x", 201), "search=%ff", "search=%00"} {
		b.call(key, "GET", "/v1/endpoints?"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
		b.call(key, "GET", "/v1/endpoint-health?"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
	}
}
