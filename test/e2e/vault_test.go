package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/hostile"
)

// vault is a deployment that sends through a proxy, and what everybody got to see
// of it.
type vault struct {
	service
	postgres  string
	proxy     string // its address
	key       string
	processes []*stack.Process
	worker    *stack.Process
	answers   strings.Builder
}

func newVault(t *testing.T) *vault {
	t.Helper()
	url := pgtest.New(t)
	v := &vault{service: service{Stack: stack.On(t, url), r: stack.NewReceiver(t)}, postgres: url, proxy: chattyProxy(t).Addr().String()}
	v.Env = append(v.Env, "POSTRIDER_LOG_LEVEL=debug", "POSTRIDER_EGRESS_PROXY=http://proxy-user:"+proxyPassword+"@"+v.proxy)
	v.api = v.API(t)
	v.worker = v.Worker(t)
	v.processes = []*stack.Process{v.api, v.worker, v.Scheduler(t)}
	v.Admin(v.api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": "w", "name": "W"}, http.StatusCreated, nil)
	v.key = v.NewKey(t, v.api, "w").Key
	v.c = v.Client(v.api, v.key)
	return v
}

// chattyProxy sends the first request back and refuses it, and tunnels all others.
func chattyProxy(t *testing.T) *hostile.Server {
	t.Helper()
	first := make(chan bool, 1)
	first <- true
	return hostile.Listen(t, "127.0.0.1:0", nil, func(c *hostile.Conn) {
		req := c.Request()
		if req == nil {
			return
		}
		select {
		case <-first:
			password := req.Header.Get("Proxy-Authorization")
			c.Send("HTTP/1.1 407 ", password, "\r\nX-Echo: ", password, "\r\n\r\n")
			return
		default:
		}
		up, err := net.Dial("tcp", req.RequestURI)
		if err != nil {
			c.Send("HTTP/1.1 502 Bad Gateway\r\n\r\n")
			return
		}
		defer up.Close()
		c.Send("HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			_, _ = io.Copy(up, c) // ends with the connection
			up.Close()
		}()
		_, _ = io.Copy(c, up)
	})
}

// echo is a receiver that gives back what it got, in more ways than one.
func echo(t *testing.T) (url string) {
	t.Helper()
	return "http://" + hostile.Listen(t, "127.0.0.1:0", nil, func(c *hostile.Conn) {
		req := c.Request()
		if req == nil {
			return
		}
		token := req.Header.Get("X-Token")
		switch req.URL.Path {
		case "/body":
			headers, err := json.Marshal(req.Header)
			if err != nil {
				return
			}
			c.Send("HTTP/1.1 500 Oops\r\nX-Echo: ", token, "\r\nX-Harmless: yes\r\nX-Signed: ", req.Header.Get("X-Webhook-Signature"),
				"\r\n\r\n{\"headers\":", string(headers), `,"note":"a harmless note"}`)
		case "/cut":
			filler := strings.Repeat("x", 64<<10-20)
			c.Send("HTTP/1.1 500 Oops\r\nContent-Length: 1000000\r\n\r\n", filler, token, filler)
		case "/status":
			c.Send("HTTP/1.1 ", token, "\r\n\r\n")
		case "/authorization":
			c.Send("HTTP/1.1 401 Unauthorized\r\n\r\nbad token ", strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
		case "/line":
			c.Send("HTTP/1.1 200 OK\r\n", req.RequestURI, " ", token, "\r\n\r\n")
		}
	}).Addr().String()
}

// see keeps an answer.
func (v *vault) see(t *testing.T, a stack.Answer, status int) {
	t.Helper()
	if a.Status != status {
		t.Errorf("got %s, want %d", a, status)
	}
	v.answers.Write(a.Body)
	for name, values := range a.Header {
		v.answers.WriteString(name + ": " + strings.Join(values, ",") + "\n")
	}
}

// raw is a request that no client of ours would make.
func (v *vault) raw(t *testing.T, method, path, body string, header map[string]string) stack.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, v.api.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.key)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return stack.Answer{Status: res.StatusCode, Header: res.Header, Body: all}
}

// endpoints makes all kinds of them, and returns the id of one that only fails.
func (v *vault) endpoints(t *testing.T) string {
	t.Helper()
	settings := stack.Settings{
		"secret": givenSecret, "headers": map[string]string{"X-Token": headerValue, "Authorization": "Bearer " + credentials},
		"retry_schedule": []int{1, 3600}, "timeout": 5,
	}
	v.r.Knows("/", givenSecret)
	v.r.Script("/", stack.Times(20, stack.Status(http.StatusInternalServerError))...)
	e := v.c.Endpoint(t, v.r, "/", settings)
	// Nobody listens at the first, so the error of the connection is told, too.
	at := echo(t)
	for _, url := range []string{"http://" + stack.FreeAddr(t) + "/", at + "/body", at + "/cut", at + "/status", at + "/authorization", at + "/line"} {
		settings["url"], settings["events"] = url+"?token="+urlToken, []string{"*"}
		in, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		// The answer, which is kept for the key, holds the secret.
		for range 2 {
			a := v.raw(t, http.MethodPost, "/v1/endpoints", string(in), map[string]string{"Idempotency-Key": "a key for " + url})
			if a.Status != http.StatusCreated || !strings.Contains(string(a.Body), givenSecret) {
				t.Fatalf("got %s, want a new endpoint with its secret", a)
			}
		}
	}
	return e.ID
}

// mistakes are requests that are refused, for what is in them or beside it.
func (v *vault) mistakes(t *testing.T, e string) {
	t.Helper()
	post := func(in stack.Settings) stack.Answer {
		in["events"] = []string{"*"}
		return v.c.Do(t, http.MethodPost, "/v1/endpoints", in)
	}
	v.see(t, post(stack.Settings{"url": "https://example.com/", "secret": weakSecret}), 422)
	v.see(t, post(stack.Settings{"url": "https://example.com/", "headers": map[string]string{"X-Token": headerValue + "\x00"}}), 422)
	v.see(t, post(stack.Settings{"url": "https://example.com/", "headers": map[string]string{"Host": headerValue}}), 422)
	v.see(t, post(stack.Settings{"url": "https://someone:" + urlPassword + "@example.com/"}), 422)
	v.see(t, post(stack.Settings{"url": "https://someone:" + urlPassword + "@exam ple.com/%zz"}), 422)
	v.see(t, post(stack.Settings{"url": "https://example.com/", "secret": givenSecret, "nonsense": 1}), 422)
	v.see(t, v.c.Do(t, http.MethodPatch, "/v1/endpoints/"+e, stack.Settings{"secret": weakSecret}), 422)
	v.see(t, v.raw(t, http.MethodPost, "/v1/endpoints", `{"url":"https://example.com/","secret":"`+givenSecret+`",`, nil), 400)
	v.see(t, v.raw(t, http.MethodPost, "/v1/endpoints", `{"url":"https://example.com/","secret":{"a":"`+givenSecret+`"}}`, nil), 422)
	v.see(t, v.raw(t, http.MethodPost, "/v1/nothing", givenSecret, nil), 404)
	for _, authorization := range []string{wrongKey, "Basic " + wrongKey, "Bearer " + wrongKey} {
		v.see(t, v.raw(t, http.MethodGet, "/v1/events", "", map[string]string{"Authorization": authorization}), 401)
	}
}
