package egress

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

// warm fills the pool with n connections to r, whose handler must hold back
// its first n answers until all of those requests are there.
func warm(t *testing.T, c client, raw string, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { wantOK(t, post(t, c, raw)) })
	}
	wg.Wait()
}

// crowd is a receiver's handler whose first n requests are answered together,
// and each later request of a connection by again.
func crowd(n int, again func(c *conn)) func(*receiver, *conn) {
	var arrived sync.WaitGroup
	arrived.Add(n)
	return func(r *receiver, c *conn) {
		if _, _, ok := c.request(); !ok {
			return
		}
		if r.conns.Load() <= int64(n) {
			arrived.Done()
			arrived.Wait()
			c.send(okAnswer)
		}
		again(c)
	}
}

// A receiver that reads requests on old connections, and hangs up, gets each
// one twice at most, however many such connections there are.
func TestSenderSendsAgainOnceAtMost(t *testing.T) {
	t.Parallel()
	const pool = 6
	for name, tt := range map[string]struct {
		fresh string // what a new connection answers
		check func(t *testing.T, res webhook.Response)
	}{
		"NewOneAnswers": {okAnswer, func(t *testing.T, res webhook.Response) { wantStatus(t, res, 200) }},
		"NewOneHangsUpAsWell": {"", func(t *testing.T, res webhook.Response) {
			wantError(t, res, webhook.ClassReset, "without an answer")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handle := crowd(pool, func(c *conn) { c.request() })
			r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
				if r.conns.Load() > pool {
					once(tt.fresh)(r, c)
					return
				}
				handle(r, c)
			})
			c := newClient(t, loopback(), SenderConfig{})
			warm(t, c, r.url(), pool)
			if got := r.conns.Load(); got != pool {
				t.Fatalf("%d connections in the pool, want %d", got, pool)
			}
			tt.check(t, post(t, c, r.url()))
			if got := r.requests.Load(); got != pool+2 {
				t.Errorf("the request was sent %d times, want twice", got-pool)
			}
			if got := r.conns.Load(); got != pool+1 {
				t.Errorf("%d new connections, want 1", got-pool)
			}
		})
	}
}

// Connections seen to be closed cost no attempt: nothing is sent on them.
func TestSenderSkipsClosedConnections(t *testing.T) {
	t.Parallel()
	const pool = 6
	ca := hostile.NewAuthority(t, "CA")
	config := serverTLS(ca.Issue(t, hostile.Always(), "127.0.0.1"))
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			leave := make(chan struct{})
			var left sync.WaitGroup
			left.Add(pool)
			handle := crowd(pool, func(c *conn) {
				<-leave
				c.Close()
				left.Done()
			})
			answer := func(r *receiver, c *conn) {
				if r.conns.Load() > pool {
					answering(okAnswer)(r, c)
					return
				}
				handle(r, c)
			}
			r := newReceiver(t, "127.0.0.1:0", answer)
			if scheme == "https" {
				r = newTLSReceiver(t, config, answer)
			}
			raw := scheme + "://" + r.Addr().String() + "/"
			s, err := NewSender(NewPolicy(loopback()), SenderConfig{RootCAs: ca.Pool()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			warm(t, s, raw, pool)
			close(leave)
			left.Wait()
			wantStatus(t, post(t, s, raw), 200)
			wantStatus(t, post(t, s, raw), 200)
			if got := r.requests.Load(); got != pool+2 {
				t.Errorf("%d requests, want %d", got-pool, 2)
			}
			if got := s.pool.idle.size; got != 1 {
				t.Errorf("%d idle connections, want 1: the closed ones are of no use", got)
			}
		})
	}
}

// A caller who stops as the answer arrives must not stop the next one.
func TestSenderKeepsCancellationsToThemselves(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	stops := map[string]context.CancelFunc{}
	r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
		for {
			head, _, ok := c.request()
			if !ok {
				return
			}
			var path string
			fmt.Sscanf(head, "POST %s", &path)
			mu.Lock()
			stop := stops[path]
			mu.Unlock()
			if stop != nil {
				go stop()
			}
			c.send(okAnswer)
		}
	})
	c := newClient(t, loopback(), SenderConfig{})
	for i := range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		path := fmt.Sprintf("/%d", i)
		mu.Lock()
		stops[path] = cancel
		mu.Unlock()
		base := "http://" + r.Addr().String()
		first := c.Do(ctx, Request{URL: base + path, Timeout: 20 * time.Second})
		if first.Err != nil && first.Err.Class != webhook.ClassInternal {
			t.Fatalf("stopped: %v (%v)", first.Err, first.Err.Cause)
		}
		if next := post(t, c, base+"/next"); next.Err != nil {
			t.Fatalf("the next one: %v (%v)", next.Err, next.Err.Cause)
		}
		cancel()
	}
}

// lastRead calls stop from inside the read that brings the end of an answer.
type lastRead struct {
	net.Conn
	stop func()
}

func (c *lastRead) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.HasSuffix(p[:n], []byte("ok")) {
		c.stop()
	}
	return n, err
}

// A caller who stops once the answer was read has it all the same, and an interrupt
// goes to the connection, which nobody waits for: it may come when the next request
// is under way.
func TestSenderUsesNoConnectionAgainThatAnInterruptIsOnItsWayTo(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	s, err := NewSender(NewPolicy(loopback()), SenderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wantStatus(t, post(t, s, r.url()), 200)
	ctx, stop := context.WithCancel(t.Context())
	l := s.pool.idle.oldest
	l.Conn = &lastRead{l.Conn, stop}
	wantStatus(t, s.Do(ctx, Request{URL: r.url(), Timeout: 20 * time.Second}), 200)
	if ctx.Err() == nil || r.conns.Load() != 1 {
		t.Fatalf("nobody stopped the second request on the first one's connection; there are %d", r.conns.Load())
	}
	if got := s.pool.idle.size; got != 0 || !isClosed(l) {
		t.Errorf("the connection is kept: %d are idle", got)
	}
	wantStatus(t, post(t, s, r.url()), 200)
	if got := r.conns.Load(); got != 2 {
		t.Errorf("%d connections, want 2", got)
	}
}
