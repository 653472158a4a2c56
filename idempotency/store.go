package idempotency

import (
	"context"
	"time"
)

// State is what a Store knows of a key when somebody begins with it.
type State int

const (
	// Claimed means that the key is the caller's now: nobody has it, or who had
	// it let its claim expire.
	Claimed State = iota + 1
	// Held means that somebody else has claimed the key and is not done.
	Held
	// Done means that somebody was done with the key.
	Done
)

// String implements fmt.Stringer.
func (s State) String() string {
	switch s {
	case Claimed:
		return "claimed"
	case Held:
		return "held"
	case Done:
		return "done"
	default:
		return "unknown"
	}
}

// Store remembers keys, for all processes that share it. Keys are any text of up
// to 512 bytes, durations at least a millisecond. An error means that nothing is
// known: what was asked for may have happened.
type Store interface {
	// Begin claims a key for hold, after which it is free again, so that who
	// dies with it blocks nobody for longer. token is what the claim is given
	// back by; it is "" unless state is Claimed. Of many at once one gets Claimed.
	Begin(ctx context.Context, key string, hold time.Duration) (token string, state State, err error)
	// Commit marks a key as done for keep, whoever has claimed it meanwhile: the
	// effect has happened.
	Commit(ctx context.Context, key string, keep time.Duration) error
	// Release gives a claim back. It changes nothing if the claim has expired, or
	// the key is somebody else's or done.
	Release(ctx context.Context, key, token string) error
	// Claim reports whether a key is asked for for the first time, and remembers
	// it for ttl: Begin with nothing after it. It makes a Store signature's ReplayGuard.
	Claim(ctx context.Context, key string, ttl time.Duration) (first bool, err error)
}
