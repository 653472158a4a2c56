package deliver

import (
	"sync"
	"sync/atomic"
)

// crew is the goroutines that make attempts. One that is done waits for the next
// member: its stack has grown by then to what an attempt needs, and to grow a new
// goroutine's each time costs more than the queue for the slot and the signing.
type crew struct {
	next chan attempter
	// idle is how many wait, or are about to.
	idle atomic.Int64
	quit chan struct{}
	once sync.Once
	all  sync.WaitGroup
}

// attempter is a member.
type attempter interface{ attempt() }

// maxIdle bounds the goroutines that wait: what a burst needed is given back.
const maxIdle = 512

func newCrew() *crew { return &crew{next: make(chan attempter), quit: make(chan struct{})} }

// attempt has somebody make the member's attempt. It does not wait.
func (c *crew) attempt(m attempter) {
	select {
	case c.next <- m:
	default:
		c.all.Go(func() { c.work(m) })
	}
}

func (c *crew) work(m attempter) {
	for m != nil {
		m.attempt()
		m = c.wait()
	}
}

// wait returns nil to whoever is not needed any more.
func (c *crew) wait() attempter {
	defer c.idle.Add(-1)
	if c.idle.Add(1) > maxIdle {
		return nil
	}
	select {
	case m := <-c.next:
		return m
	case <-c.quit:
		return nil
	}
}

// dismiss has nobody wait any more; who makes an attempt ends after it.
func (c *crew) dismiss() { c.once.Do(func() { close(c.quit) }) }

// end returns once all have gone.
func (c *crew) end() {
	c.dismiss()
	c.all.Wait()
}
