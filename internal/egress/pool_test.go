package egress

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// idler makes connections that tell whether they were closed.
type idler struct{ *pool }

// put puts a new connection to name into the pool.
func (i idler) put(t *testing.T, name string) *link {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	l := newLink(ours, route{name: name})
	i.pool.put(l)
	return l
}

func isClosed(l *link) bool { return l.SetDeadline(time.Time{}) != nil }

func wantTaken(t *testing.T, p *pool, name string, want *link) {
	t.Helper()
	if got := p.take(route{name: name}); got != want {
		t.Errorf("took %p for %s, want %p", got, name, want)
	}
}

func TestPoolGivesTheLastOneBackFirst(t *testing.T) {
	t.Parallel()
	p := idler{newPool(9, 9, time.Minute)}
	defer p.close()
	a, b, other := p.put(t, "a"), p.put(t, "a"), p.put(t, "b")
	wantTaken(t, p.pool, "a", b)
	wantTaken(t, p.pool, "a", a)
	wantTaken(t, p.pool, "a", nil)
	wantTaken(t, p.pool, "b", other)
	if got := p.take(route{tls: true, name: "b"}); got != nil {
		t.Error("a plain connection was taken for a TLS one")
	}
}

func TestPoolClosesWhatIsTooMuchForARoute(t *testing.T) {
	t.Parallel()
	p := idler{newPool(2, 9, time.Minute)}
	defer p.close()
	a, b, tooMany, other := p.put(t, "a"), p.put(t, "a"), p.put(t, "a"), p.put(t, "b")
	if !isClosed(tooMany) || isClosed(a) || isClosed(b) || isClosed(other) {
		t.Error("want the third connection to the route closed and no other")
	}
	wantTaken(t, p.pool, "a", b)
	p.pool.put(b) // there is room again
	if isClosed(b) {
		t.Error("a place that was given back is still taken")
	}
}

func TestPoolClosesTheOldestWhenItIsFull(t *testing.T) {
	t.Parallel()
	p := idler{newPool(9, 3, time.Minute)}
	defer p.close()
	first, second, third := p.put(t, "a"), p.put(t, "b"), p.put(t, "a")
	wantTaken(t, p.pool, "b", second)
	p.pool.put(second) // now the youngest
	fourth := p.put(t, "c")
	if !isClosed(first) || isClosed(second) || isClosed(third) || isClosed(fourth) {
		t.Error("want the first closed, and no other")
	}
	fifth := p.put(t, "a")
	if !isClosed(third) || isClosed(second) || isClosed(fifth) {
		t.Error("want the third closed next: the second was used since")
	}
	wantTaken(t, p.pool, "a", fifth)
	wantTaken(t, p.pool, "a", nil)
	wantTaken(t, p.pool, "b", second)
	wantTaken(t, p.pool, "c", fourth)
}

func TestPoolClosesWhatIsIdleForTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := idler{newPool(9, 9, idleTimeout)}
		defer p.close()
		old := p.put(t, "a")
		<-time.After(idleTimeout - 10*time.Second)
		young, used := p.put(t, "a"), p.put(t, "b")
		<-time.After(10 * time.Second)
		synctest.Wait()
		if !isClosed(old) || isClosed(young) || isClosed(used) {
			t.Error("want the one of 75 s closed, and not those of 10 s")
		}
		wantTaken(t, p.pool, "b", used)
		p.pool.put(used)
		<-time.After(idleTimeout - 10*time.Second)
		synctest.Wait()
		if !isClosed(young) || isClosed(used) {
			t.Error("want the one closed that was not used for 75 s, and not the other")
		}
		<-time.After(idleTimeout)
		synctest.Wait()
		if !isClosed(used) {
			t.Error("the last one was kept")
		}
		again := p.put(t, "a") // the sweep starts anew in an empty pool
		<-time.After(idleTimeout)
		synctest.Wait()
		if !isClosed(again) {
			t.Error("one that came after the pool was empty was kept")
		}
	})
}

// The sweep may be late, e.g. after the machine was asleep.
func TestPoolHandsOutNothingTooOld(t *testing.T) {
	t.Parallel()
	p := idler{newPool(9, 9, time.Minute)}
	defer p.close()
	l := p.put(t, "a")
	l.since = l.since.Add(-time.Minute)
	wantTaken(t, p.pool, "a", nil)
}

func TestPoolKeepsNothingOnceClosed(t *testing.T) {
	t.Parallel()
	p := idler{newPool(9, 9, time.Minute)}
	before := p.put(t, "a")
	p.close()
	after := p.put(t, "a")
	if !isClosed(before) || !isClosed(after) {
		t.Error("a connection stays open")
	}
	wantTaken(t, p.pool, "a", nil)
}
