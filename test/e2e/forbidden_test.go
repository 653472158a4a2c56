package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/hostile"
)

// fortress may send to 127.0.0.2 and to no other address that is not public. On
// 127.0.0.1 is a trap, on the same port as the receiver.
type fortress struct {
	service
	names    *hostile.NameServer
	receiver *hostile.Server
	trap     *hostile.Server
}

func newFortress(t *testing.T, env ...string) *fortress {
	t.Helper()
	f := &fortress{names: hostile.NewNameServer(t)}
	allowed, forbidden := hostile.SamePort(t, "127.0.0.2", "127.0.0.1")
	answer := func(c *hostile.Conn) {
		for c.Request() != nil && c.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
		}
	}
	f.receiver, f.trap = hostile.On(t, allowed, nil, answer), hostile.On(t, forbidden, nil, answer)
	f.service = service{Stack: asking(t, f.names, stack.New(t))}
	f.Env = append(append(f.Env, "POSTRIDER_EGRESS_ALLOW=127.0.0.2/32"), env...)
	f.api = f.API(t)
	f.Worker(t)
	f.Scheduler(t)
	f.c = f.Workspace(t, f.api)
	return f
}

func (f *fortress) url(host string) string {
	return "http://" + host + ":" + f.receiver.Port() + "/hook"
}

// refusal is what saving an endpoint says of its URL.
func refusal(t *testing.T, a stack.Answer) string {
	t.Helper()
	text := string(a.Body)
	if a.Status != http.StatusUnprocessableEntity || !strings.Contains(text, `"pointer":"/url"`) {
		t.Errorf("got %s, want a 422 for /url", a)
	}
	return text
}

func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	f.names.Is("good.example", []string{"127.0.0.2"})
	f.names.Is("chain.example", []string{"link.example."})
	f.names.Is("link.example", []string{"end.example."})
	f.names.Is("end.example", []string{"169.254.169.254"})
	f.names.Is("private.example", []string{"10.1.2.3"})
	f.names.Is("mixed.example", []string{"127.0.0.2", "127.0.0.1"})
	f.names.Is("a.internal", []string{"93.184.216.34"})

	const may, never = "egress.allow can permit it", "never allowed"
	for host, want := range map[string]string{
		"127.0.0.1": may, "2130706433": may, "0x7f000001": may, "017700000001": may, "0177.0.0.1": may, "127.1": may, "127.0.0.1.": may,
		"[::ffff:127.0.0.1]": may, "[::1]": may, "[::127.0.0.1]": may, "0": may, "10.0.0.1": may, "[fd00::1]": may,
		"[64:ff9b::10.0.0.1]": may, "[64:ff9b:1::10.0.0.1]": may, "[2002:a00:1::1]": may, "[2001:0:808:808::f5ff:fffe]": may, "[2606:4700::5efe:10.0.0.1]": may,
		"169.254.169.254": never, "2852039166": never, "0xa9.0xfe.0xa9.0xfe": never, "[::ffff:169.254.169.254]": never, "[64:ff9b::169.254.169.254]": never,
		"[64:ff9b:1::169.254.169.254]": never, "[2002:a9fe:a9fe::]": never, "[2606:4700::5efe:169.254.169.254]": never, "[fe80::1]": never, "[ff02::1]": never,
		"[fd00:ec2::254]": never, "100.100.100.200": never, "168.63.129.16": never, "224.0.0.1": never,
		"localhost": "egress.allow", "LOCALHOST.": "egress.allow", "x.localhost": "egress.allow", "printer.local": "egress.allow", "db.internal": "egress.allow",
		"a.internal": may, "private.example": may, "mixed.example": may, "chain.example": never, "[fe80::1%25eth0]": "zone",
	} {
		in := stack.Settings{"url": "http://" + host + "/", "events": []string{"none"}}
		if text := refusal(t, f.c.Do(t, http.MethodPost, "/v1/endpoints", in)); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %q", host, text, want)
		}
	}

	var e struct{ ID, URL string }
	f.c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{"url": f.url("good.example"), "events": []string{"none"}}, http.StatusCreated, &e)
	for host, want := range map[string]string{"127.0.0.1": may, "chain.example": never, "mixed.example": may, "x.local": "egress.allow"} {
		if text := refusal(t, f.c.Do(t, http.MethodPatch, "/v1/endpoints/"+e.ID, stack.Settings{"url": f.url(host)})); !strings.Contains(text, want) {
			t.Errorf("patched to %s: %s, want %q", host, text, want)
		}
	}
	f.c.Call(t, http.MethodGet, "/v1/endpoints/"+e.ID, nil, http.StatusOK, &e)
	if e.URL != f.url("good.example") {
		t.Errorf("a refused patch left the URL %s", e.URL)
	}
	if n := f.trap.Conns(); n != 0 {
		t.Errorf("%d connections were made to a forbidden address", n)
	}
}

// A name may change its mind once it is saved.
func TestNamesThatChangeTheirAddresses(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	page := hostile.Page(t)
	f.names.Is("metadata.example", []string{"169.254.169.254"})
	good := []string{"127.0.0.2"}
	for name, tt := range map[string]struct {
		then []string
		does string // the row of the page; empty where it is delivered all the same
	}{
		"rebound.example":  {[]string{"127.0.0.1"}, "is at an address that may be allowed"},
		"mapped.example":   {[]string{"::ffff:127.0.0.1"}, "is at an address that may be allowed"},
		"isatap.example":   {[]string{"2606:4700::5efe:a9fe:a9fe"}, "is at an address that leads to one that is never allowed"},
		"chained.example":  {[]string{"metadata.example."}, "is at an address that is never allowed"},
		"mixed.example":    {[]string{"127.0.0.1", "169.254.169.254", "127.0.0.2"}, ""},
		"rebound.internal": {[]string{"127.0.0.2", "127.0.0.1"}, "has a local name and an address that may be allowed"},
		"public.internal":  {[]string{"127.0.0.2", "93.184.216.34"}, "has a local name and an address that is not listed"},
		"steady.internal":  {good, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.names.Is(name, good)
			kind := "case." + name
			var e struct{ ID string }
			f.c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
				"url": f.url(name), "events": []string{kind}, "retry_schedule": []int{},
			}, http.StatusCreated, &e)
			f.names.Is(name, tt.then)
			attempts := f.attemptsAt(t, kind)
			var tried told
			f.c.Call(t, http.MethodPost, "/v1/endpoints/"+e.ID+"/test", nil, http.StatusOK, &tried)
			for _, a := range append(attempts, tried) {
				if tt.does != "" {
					page[tt.does].Check(t, a.Class, a.Error)
				} else if a.Status != http.StatusOK || a.Class != "" {
					t.Errorf("%+v, want it delivered", a)
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := f.trap.Conns(); n != 0 {
			t.Errorf("%d connections were made to a forbidden address", n)
		}
	})
}

// The proxy gets addresses, which were judged, and never a name.
func TestProxyCannotBeLedElsewhere(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	proxy := hostile.Listen(t, "127.0.0.1:0", nil, func(c *hostile.Conn) {
		if req := c.Request(); req != nil {
			asked <- req.Method + " " + req.RequestURI + " for " + req.Host
			if c.Send("HTTP/1.1 200 Connection established\r\n\r\n") && c.Request() != nil {
				c.Send("HTTP/1.1 204 No Content\r\n\r\n")
			}
		}
	})
	f := newFortress(t, "POSTRIDER_EGRESS_PROXY=http://"+proxy.Addr().String())
	f.names.Is("steady.example", []string{"127.0.0.2"})
	f.names.Is("rebound.example", []string{"127.0.0.2"}, []string{"127.0.0.1"})
	sent := func(name string) told {
		kind := "case." + name
		f.c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
			"url": f.url(name), "events": []string{kind}, "retry_schedule": []int{},
		}, http.StatusCreated, nil)
		return f.attemptsAt(t, kind)[0]
	}
	if got := sent("steady.example"); got.Status != http.StatusNoContent {
		t.Errorf("%+v, want it delivered", got)
	}
	target := "127.0.0.2:" + f.receiver.Port()
	if got, want := <-asked, "CONNECT "+target+" for "+target; got != want {
		t.Errorf("the proxy was asked to %s, want %s", got, want)
	}
	if got := sent("rebound.example"); got.Class != webhook.ClassBlocked {
		t.Errorf("%+v, want it blocked", got)
	}
	select {
	case got := <-asked:
		t.Errorf("the proxy was asked to %s, too", got)
	default:
	}
	if n := f.trap.Conns() + f.receiver.Conns(); n != 0 {
		t.Errorf("%d connections were made beside the proxy", n)
	}
}
