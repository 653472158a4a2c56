package webhook

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"
)

// ID is a ULID: 48 bits of unix milliseconds, then 80 random bits. It sorts by
// time as bytes and as text. An event's time is when it was accepted; its
// deliveries carry the same time, so an id alone names the day's partition.
type ID [16]byte

// Prefixes of ids as clients see them. The text after a prefix is 26
// characters of lower-case Crockford base32.
const (
	EventPrefix      = "evt_"
	EndpointPrefix   = "ep_"
	DeliveryPrefix   = "dlv_"
	AttemptPrefix    = "att_"
	KeyPrefix        = "key_"
	ReplayPrefix     = "rpl_"
	PortalLinkPrefix = "ptl_"
)

const (
	crockford  = "0123456789abcdefghjkmnpqrstvwxyz"
	encodedLen = 26
	noDigit    = 255
)

// crockfordDigits are the values of its characters.
var crockfordDigits = func() (digits [256]byte) {
	for c := range digits {
		digits[c] = noDigit
	}
	for v, c := range []byte(crockford) {
		digits[c] = byte(v)
	}
	return digits
}()

// NewID returns an id whose time is t, to the millisecond.
func NewID(t time.Time) ID {
	var id ID
	rand.Read(id[6:]) // never fails since Go 1.24
	id.setMillis(t)
	return id
}

// FirstID is the smallest id of t's millisecond: the lower bound of a range.
func FirstID(t time.Time) ID {
	var id ID
	id.setMillis(t)
	return id
}

// CeilMilli rounds up: ids know milliseconds, and what happened in the one before is
// before t.
func CeilMilli(t time.Time) time.Time {
	if whole := t.Truncate(time.Millisecond); !whole.Equal(t) {
		return whole.Add(time.Millisecond)
	}
	return t
}

func (id *ID) setMillis(t time.Time) {
	ms := max(t.UnixMilli(), 0)
	binary.BigEndian.PutUint16(id[0:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:6], uint32(ms))
}

// Time is the id's time, in UTC, to the millisecond.
func (id ID) Time() time.Time {
	ms := int64(binary.BigEndian.Uint16(id[0:2]))<<32 | int64(binary.BigEndian.Uint32(id[2:6]))
	return time.UnixMilli(ms).UTC()
}

// Day is the id's UTC day at midnight: the partition that holds its row.
func (id ID) Day() time.Time { return id.Time().Truncate(24 * time.Hour) }

// IsZero reports whether id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// Format is the id as clients see it, e.g. Format(EventPrefix) = "evt_01j…".
func (id ID) Format(prefix string) string { return prefix + id.String() }

// String is the 26 characters after the prefix.
func (id ID) String() string {
	var out [encodedLen]byte
	// 130 bits hold 128: the two highest are zero.
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	for i := encodedLen - 1; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// ParseID reads an id that clients see. It accepts what Format writes and
// nothing else, so one id has one spelling.
func ParseID(prefix, s string) (ID, bool) {
	text, ok := strings.CutPrefix(s, prefix)
	if !ok || len(text) != encodedLen || text[0] > '7' {
		return ID{}, false
	}
	var hi, lo uint64
	for i := range encodedLen {
		v := crockfordDigits[text[i]]
		if v == noDigit {
			return ID{}, false
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	var id ID
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id, true
}
