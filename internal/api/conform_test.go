package api

import (
	"net/http"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/conform"
)

// described is the API's own description; every answer in these tests is held
// to it.
var described = sync.OnceValues(func() (*conform.Description, error) {
	raw, err := OpenAPI()
	if err != nil {
		return nil, err
	}
	return conform.Parse(raw)
})

// conforms fails the test where an answer is not what the description says.
func conforms(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(&conform.Answer{Method: r.Method, Path: r.URL.EscapedPath(), Status: status, Header: header, Body: body}); err != nil {
		t.Error(err)
	}
}
