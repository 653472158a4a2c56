package hostile

import (
	"time"
)

// answers answers every request with the same bytes.
func answers(parts ...string) func(*Conn) {
	return func(c *Conn) {
		for c.Request() != nil && c.Send(parts...) {
		}
	}
}

// once reads one request, sends the bytes and closes.
func once(parts ...string) func(*Conn) {
	return func(c *Conn) {
		if c.Request() != nil {
			c.Send(parts...)
		}
	}
}

// stays is once, but the connection stays open.
func stays(parts ...string) func(*Conn) {
	return func(c *Conn) {
		once(parts...)(c)
		c.Stay()
	}
}

// endless sends start and then piece over and over, up to so many bytes.
func endless(start, piece string, most int) func(*Conn) {
	return func(c *Conn) {
		if c.Request() == nil {
			return
		}
		sent := 0
		for ok := c.Send(start); ok && sent < most; sent += len(piece) {
			ok = c.Send(piece)
		}
	}
}

// drips sends start and then, every so often, piece.
func drips(every time.Duration, start, piece string) func(*Conn) {
	return func(c *Conn) {
		if c.Request() == nil {
			return
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for ok := c.Send(start); ok; ok = c.Send(piece) {
			select {
			case <-tick.C:
			case <-c.server.stop:
				return
			}
		}
	}
}

// spells sends a text a byte a second.
func spells(text string) func(*Conn) {
	return func(c *Conn) {
		if c.Request() == nil {
			return
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := range len(text) {
			if !c.Send(text[i : i+1]) {
				return
			}
			select {
			case <-tick.C:
			case <-c.server.stop:
				return
			}
		}
	}
}
