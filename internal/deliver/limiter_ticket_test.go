package deliver

import (
	"runtime"
	"testing"
	"time"
)

func TestLimiter_Tires(t *testing.T) {
	t.Parallel()

	t.Run("OfAnEndpointThatNothingIsKnownOfWhenPatienceIsOver", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		waiting := b.enter(ep(1), 1, 2)[1]
		b.endpoints[ep(1)].starts = nil // nothing in flight is old
		if b.tires(waiting, b.now.Add(patience-1)) || !b.tires(waiting, b.now.Add(patience)) {
			t.Error("not when patience is over")
		}
	})

	t.Run("OfAHangingOneAfterASecond", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		waiting := b.enter(ep(1), 1, 2)[1]
		if b.tires(waiting, b.now.Add(slowAfter-1)) || !b.tires(waiting, b.now.Add(slowAfter)) {
			t.Error("not when the request in flight is a second old")
		}
	})

	t.Run("OfAFailingOneAfterAGlance", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		all := b.finish(ep(1), b.enter(ep(1), 1, 3), time.Millisecond, false)
		entered := all[1].entered
		if b.tires(all[1], entered.Add(glance-1)) || !b.tires(all[1], entered.Add(glance)) {
			t.Error("not after a glance behind one that fails")
		}
	})

	t.Run("NeverOfAQuickOne", func(t *testing.T) {
		t.Parallel()
		b := newBench(1)
		all := b.finish(ep(1), b.enter(ep(1), 1, 3), 10*time.Millisecond, true)
		b.endpoints[ep(1)].starts[0] = b.now.Add(time.Hour) // one after the other, all young
		if b.tires(all[1], b.now.Add(time.Hour)) {
			t.Error("the queue moves")
		}
	})

	t.Run("NobodyWhoDoesNotWait", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		all := b.enter(ep(1), 1, 2)
		b.leave(ep(1), all[1])
		for _, who := range []*ticket{{}, all[0], all[1]} {
			if b.tires(who, b.now.Add(time.Hour)) {
				t.Errorf("%+v tires", who)
			}
		}
	})
}

func TestLimiter_BeginsWhoIsGranted(t *testing.T) {
	t.Parallel()
	var begun []attempter
	l := newLimiter(512, func(who attempter) { begun = append(begun, who) })
	now := time.Unix(1_700_000_000, 0)
	first, second := &ticket{who: &member{}}, &ticket{who: &member{}}
	for _, w := range []*ticket{first, second} {
		l.enter(ep(1), 1, now, w)
	}
	if len(begun) != 1 || begun[0] != first.who || l.waiting() != 1 {
		t.Fatalf("%d have begun, %d wait", len(begun), l.waiting())
	}
	l.release(ep(1), first, now, true)
	if len(begun) != 2 || begun[1] != second.who || l.waiting() != 0 {
		t.Errorf("%d have begun, %d wait", len(begun), l.waiting())
	}
}

// The ticket of who was served must not stay where the queue was: a member holds a
// chunk of events.
func TestLimiter_KeepsNobodyWhoWasServedOrLeft(t *testing.T) {
	t.Parallel()
	b := newBench(512)
	gone := make(chan struct{}, 3)
	func() {
		all := b.enter(ep(1), 1, 3)
		for _, w := range all {
			runtime.AddCleanup(w, func(c chan struct{}) { c <- struct{}{} }, gone)
		}
		b.leave(ep(1), all[1])
		b.release(ep(1), all[0], b.now, true)
		b.release(ep(1), all[2], b.now, true)
	}()
	for range cap(gone) {
		runtime.GC()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Fatal("a ticket is kept")
		}
	}
	if b.endpoints[ep(1)] == nil {
		t.Fatal("the endpoint is forgotten, and its queue with it")
	}
}
