package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/cli"
)

func TestReady(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(`{"status":"` + r.URL.Path + `"}`))
	}))
	defer srv.Close()
	address := strings.TrimPrefix(srv.URL, "http://")
	for name, tt := range map[string]struct {
		args []string
		code int
		out  string
		said string
	}{
		"NotReady":  {[]string{address}, 1, `{"status":"/readyz"}`, ""},
		"ButLive":   {[]string{"--live", address}, 0, `{"status":"/healthz"}`, ""},
		"Away":      {[]string{"127.0.0.1:1"}, 1, "", "it does not answer"},
		"NoAddress": {[]string{"localhost"}, 1, "", "HOST:PORT"},
		"TwoOfThem": {[]string{address, address}, 2, "", "accepts at most 1"},
		"TooLate":   {[]string{"--timeout", "1ns", address}, 1, "", "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			root := newRoot()
			var out, said bytes.Buffer
			root.SetOut(&out)
			root.SetErr(&said)
			root.SetArgs(append([]string{"ready"}, tt.args...))
			if code := cli.Execute(t.Context(), root); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if got := strings.TrimSpace(out.String()); got != tt.out || !strings.Contains(said.String(), tt.said) {
				t.Errorf("it said %q and %q", got, said.String())
			}
		})
	}
}
