package webhook

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// IDSource makes ids that grow: within a millisecond each is the one before it
// plus a random step. So lists keep the order of acceptance, and a group's rows
// land side by side in an index instead of all over it. It is for one goroutine;
// the zero value is ready.
type IDSource struct {
	last ID
	pool [256]byte
	used int // of pool, counted from its end
}

// Next returns an id whose time is t.
func (s *IDSource) Next(t time.Time) ID {
	first := FirstID(t)
	if [6]byte(first[:6]) != [6]byte(s.last[:6]) || !s.step() {
		// A new millisecond, or the end of this one's ids, which takes 2^48 steps.
		s.last = NewID(t)
		s.last[6] &= 0x7f // room to grow
	}
	return s.last
}

// step adds 1 to 2^32 to the 80 random bits; false when they overflow.
func (s *IDSource) step() bool {
	low := binary.BigEndian.Uint64(s.last[8:])
	next := low + 1 + uint64(s.random())
	if next < low {
		high := binary.BigEndian.Uint16(s.last[6:8]) + 1
		if high == 0 {
			return false
		}
		binary.BigEndian.PutUint16(s.last[6:8], high)
	}
	binary.BigEndian.PutUint64(s.last[8:], next)
	return true
}

// random reads the system's source a pool at a time.
func (s *IDSource) random() uint32 {
	if s.used == 0 {
		rand.Read(s.pool[:])
		s.used = len(s.pool)
	}
	s.used -= 4
	return binary.BigEndian.Uint32(s.pool[s.used:])
}

// ReplayedIDs makes ids of a replay's deliveries. They carry their event's time, as all
// of an event's do, then one bit that no id of an IDSource begins with, and how long
// after the event the replay was asked for: so they are behind the event's first
// deliveries, and behind those of the replays before, to the millisecond. It is for one
// goroutine.
type ReplayedIDs struct {
	asked time.Time
	next  uint64
}

// ageBits hold 17 years in milliseconds; older events' are as if of that age.
const ageBits = 39

// NewReplayedIDs is for a replay that was asked for at that time.
func NewReplayedIDs(asked time.Time) *ReplayedIDs {
	random := NewID(asked)
	return &ReplayedIDs{asked: asked, next: binary.BigEndian.Uint64(random[8:])}
}

// Next returns an id for a delivery of the event. None is another's of this source;
// 40 bits tell it from another source's of the same millisecond.
func (s *ReplayedIDs) Next(event ID) ID {
	id := FirstID(event.Time())
	age := uint64(min(max(s.asked.Sub(event.Time()).Milliseconds(), 0), 1<<ageBits-1))
	s.next++
	binary.BigEndian.PutUint64(id[8:], age<<40|s.next&(1<<40-1))
	binary.BigEndian.PutUint16(id[6:8], 1<<15|uint16(age>>24))
	return id
}
