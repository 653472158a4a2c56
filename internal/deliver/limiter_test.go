package deliver

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// bench drives a limiter on a clock of its own.
type bench struct {
	*limiter
	now     time.Time
	backlog bool // who enters
}

func newBench(slots int) *bench {
	return &bench{limiter: newLimiter(slots, func(attempter) {}), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func ep(n byte) webhook.ID { return webhook.ID{15: n} }

func (b *bench) enter(id webhook.ID, ceiling, n int) (all []*ticket) {
	for range n {
		all = append(all, b.enterOne(id, ceiling))
	}
	return all
}

// enterOne returns nil for who is refused.
func (b *bench) enterOne(id webhook.ID, ceiling int) *ticket {
	t := &ticket{backlog: b.backlog}
	if !b.limiter.enter(id, ceiling, b.now, t) {
		return nil
	}
	return t
}

func granted(all []*ticket) (n int) {
	for _, t := range all {
		if t != nil && t.granted {
			n++
		}
	}
	return n
}

// finish ends every granted request after it took so long, and drops it from all.
func (b *bench) finish(id webhook.ID, all []*ticket, took time.Duration, ok bool) (rest []*ticket) {
	b.now = b.now.Add(took)
	for _, t := range all {
		if t.granted && b.now.Sub(t.start) >= took {
			b.release(id, t, b.now, ok)
		} else {
			rest = append(rest, t)
		}
	}
	return rest
}

func TestWindow(t *testing.T) {
	t.Parallel()
	const many = 1000

	t.Run("StartsAtEight", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		if n := granted(b.enter(ep(1), many, 100)); n != 8 {
			t.Errorf("%d requests of an unknown endpoint at once", n)
		}
	})

	t.Run("GrowsWithQuickSuccesses", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		rest := b.finish(ep(1), b.enter(ep(1), many, 100), 10*time.Millisecond, true)
		if n := granted(rest); n != 16 {
			t.Errorf("%d at once after 8 quick successes", n)
		}
	})

	t.Run("DoesNotGrowWithSlowSuccesses", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		rest := b.finish(ep(1), b.enter(ep(1), many, 100), slowAfter, true)
		if n := granted(rest); n != 8 {
			t.Errorf("%d at once after 8 slow successes", n)
		}
	})

	t.Run("HalvesOnAFailureAndKeepsOne", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		all := b.enter(ep(1), many, 100)
		window := 8.0
		for _, want := range []int{7, 6, 5, 4, 3, 2, 1, 1, 1} { // of 8, 7 run after the first
			done := all[0]
			b.release(ep(1), done, b.now.Add(time.Millisecond), false)
			if all = all[1:]; granted(all) != want {
				t.Fatalf("%d at once, want %d", granted(all), want)
			}
			window = max(window/2, 1)
			if w := b.endpoints[ep(1)].window; w != window {
				t.Fatalf("the window is %v, want %v", w, window)
			}
		}
	})

	t.Run("StaysBelowTheCeiling", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		rest := b.enter(ep(1), 10, 400)
		for range 20 {
			if n := granted(rest); n > 10 {
				t.Fatalf("%d at once with a ceiling of 10", n)
			}
			rest = b.finish(ep(1), rest, time.Millisecond, true)
		}
		if n := granted(rest); n != 10 {
			t.Errorf("%d at once after many successes", n)
		}
	})

	t.Run("ACeilingOfNothingLetsOneThrough", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		if n := granted(b.enter(ep(1), 0, 5)); n != 1 {
			t.Errorf("%d at once", n)
		}
	})
}

func TestSlowEndpoints(t *testing.T) {
	t.Parallel()

	t.Run("ShareHalfOfTheSlotsHoweverMany", func(t *testing.T) {
		t.Parallel()
		b := newBench(64)
		held := 0
		for i := range byte(200) {
			held += granted(b.enter(ep(i), 64, 20))
		}
		if held != 32 {
			t.Errorf("unknown endpoints hold %d of 64 slots", held)
		}
	})

	t.Run("LeaveTheOtherHalfToAQuickOne", func(t *testing.T) {
		t.Parallel()
		b := newBench(64)
		b.finish(ep(1), b.enter(ep(1), 64, 1), time.Millisecond, true)
		for i := range byte(100) {
			b.enter(ep(100+i), 64, 20)
		}
		if n := granted(b.enter(ep(1), 64, 9)); n != 9 {
			t.Errorf("the quick one got %d", n)
		}
	})

	t.Run("AQuickOneThatHangsCountsOnceSwept", func(t *testing.T) {
		t.Parallel()
		b := newBench(16)
		b.finish(ep(1), b.enter(ep(1), 64, 1), time.Millisecond, true)
		b.enter(ep(1), 64, 8)
		b.now = b.now.Add(slowAfter)
		b.sweep(b.now)
		if n := granted(b.enter(ep(2), 64, 5)); n != 0 {
			t.Errorf("another slow one got %d, beyond their half", n)
		}
	})

	t.Run("AYoungRequestMakesNoneSlow", func(t *testing.T) {
		t.Parallel()
		b := newBench(16)
		b.finish(ep(1), b.enter(ep(1), 64, 1), time.Millisecond, true)
		b.enter(ep(1), 64, 8)
		b.now = b.now.Add(slowAfter - time.Millisecond)
		b.sweep(b.now)
		if n := granted(b.enter(ep(2), 64, 4)); n != 4 {
			t.Errorf("the other one got %d", n)
		}
	})

	t.Run("WhoStillHangsIsNotQuickForOneSuccess", func(t *testing.T) {
		t.Parallel()
		b := newBench(16)
		all := b.enter(ep(1), 64, 2)
		b.now = b.now.Add(slowAfter)
		late := b.enter(ep(1), 64, 1)
		b.release(ep(1), late[0], b.now.Add(time.Millisecond), true)
		if b.endpoints[ep(1)].quick {
			t.Error("quick, with a request older than a second")
		}
		b.finish(ep(1), all, time.Second, true)
		if b.slots != 16 || b.slowSlots != 8 {
			t.Errorf("%d slots and %d slow ones are free at the end", b.slots, b.slowSlots)
		}
	})

	t.Run("LeaveRoomForOneOfEachNewcomer", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		for i := range byte(100) { // 8 each would be three times their half
			b.enter(ep(i), 64, 50)
		}
		if n := granted(b.enter(ep(200), 64, 1)); n != 1 {
			t.Error("an unknown endpoint waits behind others that hang")
		}
	})
}

func TestQueueForASlot(t *testing.T) {
	t.Parallel()

	t.Run("EndpointsTakeTurns", func(t *testing.T) {
		t.Parallel()
		b := newBench(2) // one slot for those that are not quick
		first, second := b.enter(ep(1), 64, 4), b.enter(ep(2), 64, 2)
		served := func(all []*ticket) *ticket {
			for _, w := range all {
				if w.granted && w.lane.inFlight > 0 && w.start.Equal(b.now) {
					return w
				}
			}
			return nil
		}
		var turns string
		for range 5 {
			one, two := served(first), served(second)
			b.now = b.now.Add(2 * slowAfter) // they stay slow, so there is one slot at a time
			if one != nil {
				turns += "1"
				b.release(ep(1), one, b.now, true)
			} else if two != nil {
				turns += "2"
				b.release(ep(2), two, b.now, true)
			}
		}
		if turns != "11212" { // the second one came when two of the first were in the queue
			t.Errorf("the turns were %s", turns)
		}
	})

	t.Run("ALongOneIsRefused", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		b.finish(ep(1), b.enter(ep(1), 1, 1), 20*time.Second, true) // on average 2.5 s
		all := b.enter(ep(1), 1, 3)
		if all[0] == nil || all[1] == nil || all[2] != nil {
			t.Errorf("one running and one waiting at 2.5 s each: got %v", all)
		}
	})

	t.Run("ABacklogCountsOnAWindowThatGrows", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		b.enter(ep(1), 64, 80) // 8 run
		b.now = b.now.Add(500 * time.Millisecond)
		if all := b.enter(ep(1), 64, 1); all[0] != nil {
			t.Error("a first attempt waits for 9 rounds of half a second")
		}
		b.backlog = true
		if all := b.enter(ep(1), 64, 1); all[0] == nil {
			t.Error("a backlog's is parked because little is known yet")
		}
		b.now = b.now.Add(500 * time.Millisecond)
		if all := b.enter(ep(1), 64, 1); all[0] != nil {
			t.Error("a backlog's waits behind one that hangs")
		}
		b.finish(ep(2), b.enter(ep(2), 64, 8), 500*time.Millisecond, true) // on average 330 ms
		if all := b.enter(ep(2), 64, 600); all[300] == nil || all[500] != nil {
			t.Error("a backlog's waits for six rounds at the ceiling, and not for more")
		}
	})

	t.Run("ThatOfAHangingOneIsRefusedBeforeItsFirstAnswer", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		b.enter(ep(1), 1, 2)
		b.now = b.now.Add(maxQueue + time.Millisecond)
		if all := b.enter(ep(1), 1, 1); all[0] != nil {
			t.Error("queued behind a request that hangs")
		}
	})

	t.Run("ThatOfAQuickOneIsNotForOneThatHangs", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		b.finish(ep(1), b.enter(ep(1), 4, 4), time.Millisecond, true)
		b.enter(ep(1), 4, 1)
		b.now = b.now.Add(5 * time.Second)
		all := b.enter(ep(1), 4, 6) // 3 run and 3 wait: the median in flight is young
		if granted(all) != 3 || all[5] == nil {
			t.Errorf("got %v", all)
		}
	})

	t.Run("WhoLeftIsNotGranted", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		all := b.enter(ep(1), 1, 3)
		if !b.leave(ep(1), all[1]) {
			t.Fatal("leaving said that the slot was granted")
		}
		b.release(ep(1), all[0], b.now.Add(time.Millisecond), true)
		if all[1].granted || !all[2].granted {
			t.Error("the slot went to who had left")
		}
	})

	t.Run("WhoWasGrantedCantLeave", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		all := b.enter(ep(1), 1, 1)
		if b.leave(ep(1), all[0]) {
			t.Error("left with a slot")
		}
	})

	t.Run("ThoseWhoLeftCostNoMemory", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		all := b.enter(ep(1), 1, 500)
		for _, gone := range all[1:] {
			b.leave(ep(1), gone)
		}
		if n := len(b.endpoints[ep(1)].waiting); n != 0 {
			t.Errorf("%d tickets are kept", n)
		}
	})

	t.Run("IdleEndpointsAreForgottenWhenThereAreMany", func(t *testing.T) {
		t.Parallel()
		b := newBench(512)
		id := func(n int) webhook.ID { return webhook.ID{0: 1, 14: byte(n >> 8), 15: byte(n)} }
		for n := range maxIdleLanes + 50 {
			b.finish(id(n), b.enter(id(n), 1, 1), time.Millisecond, true)
		}
		if n := len(b.endpoints); n > maxIdleLanes {
			t.Errorf("%d endpoints are kept", n)
		}
		busy := b.enter(ep(1), 1, 2)
		b.leave(ep(1), busy[1])
		if b.endpoints[ep(1)] == nil {
			t.Error("one with a request in flight is forgotten")
		}
		b.release(ep(1), busy[0], b.now, true)
		if b.slots != 512 || b.slowSlots != 256 {
			t.Errorf("%d slots and %d slow ones are free at the end", b.slots, b.slowSlots)
		}
	})
}
