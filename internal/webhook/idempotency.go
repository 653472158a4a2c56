package webhook

import "errors"

// IdempotencyKey names a request that is to take effect once, however often it is
// made.
type IdempotencyKey struct {
	WorkspaceID WorkspaceID // "" for the admin's own routes
	Route       string      // method and path
	Key         string
}

// Claim is what was found under an idempotency key.
type Claim struct {
	// ID names the claim, the caller's if Mine.
	ID   ID
	Mine bool
	// Same says that the key was first used with this very request.
	Same bool
	// Due says that the key can be claimed: nobody has it any more.
	Due bool
	// Token stays the same when a claim is taken over from somebody who died: ids
	// that are made of it make an effect that took place already be found.
	Token ID
	// Answer is what the request was answered; nil while it is being made.
	Answer []byte
}

// Once is what an event needs to have its idempotency key and its answer committed
// with it.
type Once struct {
	Key IdempotencyKey
	// Digest tells the request from others.
	Digest []byte
	// Answer makes what is kept of what became of the event. It is called before the
	// commit, and again where that is tried again with other events.
	Answer func(*Accepted) []byte
}

// ErrClaimFirst says that nothing was done: the event's idempotency key is taken, or
// its commit may take so long that the key must be claimed before it.
var ErrClaimFirst = errors.New("the idempotency key must be claimed first")

// Nth is an id of its own for each n, of the same time and order.
func (id ID) Nth(n int) ID {
	low := uint64(0)
	for _, b := range id[8:] {
		low = low<<8 | uint64(b)
	}
	low += uint64(n)
	for i := 15; i >= 8; i-- {
		id[i] = byte(low)
		low >>= 8
	}
	return id
}
