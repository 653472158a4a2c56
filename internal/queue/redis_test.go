package queue

import (
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/redistest"
)

// parsed is what matters of the options.
type parsed struct {
	addrs              []string
	db                 int
	user, password     string
	tls, cluster       bool
	master             string
	sentUser, sentPass string
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]parsed{
		"redis://localhost":                         {addrs: []string{"localhost:6379"}},
		"redis://localhost:6380/3":                  {addrs: []string{"localhost:6380"}, db: 3},
		"redis://u:p%40ss%2F%3A@h:1/2":              {addrs: []string{"h:1"}, db: 2, user: "u", password: "p@ss/:"},
		"redis://:p@h":                              {addrs: []string{"h:6379"}, password: "p"},
		"redis://[::1]:6379/0":                      {addrs: []string{"[::1]:6379"}},
		"rediss://u:p@h:1":                          {addrs: []string{"h:1"}, user: "u", password: "p", tls: true},
		"unix:///run/redis.sock":                    {addrs: []string{"/run/redis.sock"}},
		"unix://u:p@/run/redis@1.sock?db=4":         {addrs: []string{"/run/redis@1.sock"}, db: 4, user: "u", password: "p"},
		"redis+cluster://a,b:1,[::1]":               {addrs: []string{"a:6379", "b:1", "[::1]:6379"}, cluster: true},
		"redis+cluster://a:1/":                      {addrs: []string{"a:1"}, cluster: true},
		"redis+cluster://a,b?tls=true":              {addrs: []string{"a:6379", "b:6379"}, cluster: true, tls: true},
		"redis+cluster://u:p%2Fq@a,b/?tls=false":    {addrs: []string{"a:6379", "b:6379"}, cluster: true, user: "u", password: "p/q"},
		"redis+sentinel://a,b:1/main":               {addrs: []string{"a:26379", "b:1"}, master: "main"},
		"redis+sentinel://u:p@a/main/5?tls=true":    {addrs: []string{"a:26379"}, master: "main", db: 5, user: "u", password: "p", tls: true},
		"redis+sentinel://:p@[fe80::1]:2,b/main":    {addrs: []string{"[fe80::1]:2", "b:26379"}, master: "main", password: "p"},
		"redis+sentinel://a/m?sentinel_password=s":  {addrs: []string{"a:26379"}, master: "m", sentPass: "s"},
		"redis+sentinel://a/m?sentinel_username=su": {addrs: []string{"a:26379"}, master: "m", sentUser: "su"},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			o, cluster, err := parseURL(raw)
			if err != nil {
				t.Fatal(err)
			}
			got := parsed{
				addrs: o.Addrs, db: o.DB, user: o.Username, password: o.Password, tls: o.TLSConfig != nil, cluster: cluster,
				master: o.MasterName, sentUser: o.SentinelUsername, sentPass: o.SentinelPassword,
			}
			if !slices.Equal(got.addrs, want.addrs) {
				t.Errorf("the addresses are %q, want %q", got.addrs, want.addrs)
			}
			got.addrs, want.addrs = nil, nil
			if same := got.db == want.db && got.user == want.user && got.password == want.password && got.tls == want.tls &&
				got.cluster == want.cluster && got.master == want.master && got.sentUser == want.sentUser && got.sentPass == want.sentPass; !same {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	t.Parallel()
	// Every password is made of "hunter" and what people forget to escape.
	for _, raw := range []string{
		"", "hunter2", "localhost:6379", "http://u:hunter2@h", "redis://u:hunter%2@h", "redis://u:hunter2@h:port",
		"redis://u:hunter/2@h", "redis://u:12/hunter@h", "redis://u:12?hunter@h", "redis://u:12#hunter@h", "redis://u:hunter 2@h/x",
		"rediss://u:12/hunter@h/1", "redis://h/hunter@x", "redis://u:hunter2@h/notanumber", "redis://u:hunter2@h/1?nonsense=1",
		"redis+cluster://", "redis+cluster://a,,b", "redis+cluster://u:hunter2@", "redis+cluster://u:hunter/2@a,b",
		"redis+cluster://u:12/hunter@a", "redis+cluster://u:12?hunter@a", "redis+cluster://u:12#hunter@a", "redis+cluster://u:hunter%2@a",
		"redis+cluster://u:hunter", "redis+cluster://a:hunter2", "redis+cluster://u:hunter2@a:99999", "redis+cluster://a/3",
		"redis+cluster://a?ssl=true", "redis+cluster://a?tls=yes", "redis+cluster://a?sentinel_password=hunter2", "redis+cluster://a/%zz?%zz",
		"redis+sentinel://u:hunter2@a", "redis+sentinel://u:hunter2@a/", "redis+sentinel://u:hunter2@a/main/x", "redis+sentinel://u:hunter2@a/main/-1",
		"redis+sentinel://u:hunter/2@a,b/main", "redis+sentinel://u:12/hunter@a/main", "redis+sentinel://u:12/hunter@a", "redis+sentinel://u:12/x/hunter@a", "redis+sentinel://a/main?password=hunter2",
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			r, err := Open(Config{URL: raw})
			if err == nil {
				r.Close()
				t.Fatal("it is taken")
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error shows the password: %s", err)
			}
			if !strings.HasPrefix(err.Error(), "redis.url: ") {
				t.Errorf("the error does not say whose it is: %s", err)
			}
		})
	}
}

func open(t testing.TB, url string) *Redis {
	t.Helper()
	r, err := Open(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// maxTestSkew allows for a machine that is busy.
const maxTestSkew = 5 * time.Second

func TestRedis(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, addr string) {
		r := open(t, "redis://"+addr+"/0")
		must(t, r.Ping(t.Context()))
		// One machine has one clock; Redis's is as fine as microseconds.
		if skew, err := r.Skew(t.Context()); err != nil || skew.Abs() > maxTestSkew {
			t.Errorf("skew is %s, %v", skew, err)
		}
	})
}

func TestRedisOverAUnixSocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "r")
	forward(t, socket, redistest.Mini(t))
	r := open(t, "unix://"+socket)
	must(t, r.Ping(t.Context()))
}

// forward lets a socket lead to a server on TCP.
func forward(t *testing.T, socket, addr string) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				client.Close()
				continue
			}
			go carry(client, server)
			go carry(server, client)
		}
	}()
}

func carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	_, _ = io.Copy(to, from) // ends when either closes
}

func TestRedisThatIsAway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := listener.Addr().String()
	must(t, listener.Close())
	r := open(t, "redis://u:hunter2@"+addr)
	err = r.Ping(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("got %v", err)
	}
	if _, err := r.Skew(t.Context()); err == nil {
		t.Error("knows the time of a Redis that is away")
	}
}
