// Package storetest holds every idempotency.Store to the same tests.
package storetest

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/idempotency"
)

const (
	// long does not end within a test, short does at once.
	long, short = time.Hour, 5 * time.Millisecond
	// patience bounds a wait that fails the test when it is over.
	patience = 30 * time.Second
)

// Run tests a store in parts of t that run in parallel.
func Run(t *testing.T, store idempotency.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, bench){
		"ClaimsAKeyOnce":                     claimsAKeyOnce,
		"KnowsADoneKey":                      knowsADoneKey,
		"FreesAReleasedKey":                  freesAReleasedKey,
		"ReleasesNothingByAnotherToken":      releasesNothingByAnotherToken,
		"ReleasesNothingThatIsDone":          releasesNothingThatIsDone,
		"FreesTheClaimOfWhoDied":             freesTheClaimOfWhoDied,
		"LetsASuccessWinOverALaterClaim":     letsASuccessWinOverALaterClaim,
		"MarksAKeyThatNobodyClaimed":         marksAKeyThatNobodyClaimed,
		"ForgetsADoneKeyInTheEnd":            forgetsADoneKeyInTheEnd,
		"GivesAKeyToOneOfManyAtOnce":         givesAKeyToOneOfManyAtOnce,
		"GivesAnExpiredKeyToOneOfManyAtOnce": givesAnExpiredKeyToOneOfManyAtOnce,
		"IsAReplayGuard":                     isAReplayGuard,
		"KeepsKeysApart":                     keepsKeysApart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, bench{t, store, name + "/"})
		})
	}
}

// bench is a store, with keys of one test.
type bench struct {
	t      *testing.T
	store  idempotency.Store
	prefix string
}

func (b bench) begin(key string, hold time.Duration) (string, idempotency.State) {
	b.t.Helper()
	token, state, err := b.store.Begin(b.t.Context(), b.prefix+key, hold)
	if err != nil {
		b.t.Fatal(err)
	}
	if (token != "") != (state == idempotency.Claimed) {
		b.t.Errorf("%s comes with token %q", state, token)
	}
	return token, state
}

func (b bench) wants(key string, want idempotency.State) (token string) {
	b.t.Helper()
	token, state := b.begin(key, long)
	if state != want {
		b.t.Fatalf("%s is %s, want %s", key, state, want)
	}
	return token
}

func (b bench) commit(key string, keep time.Duration) {
	b.t.Helper()
	if err := b.store.Commit(b.t.Context(), b.prefix+key, keep); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) release(key, token string) {
	b.t.Helper()
	if err := b.store.Release(b.t.Context(), b.prefix+key, token); err != nil {
		b.t.Fatal(err)
	}
}

// claimable waits until the key is free, and claims it.
func (b bench) claimable(key string) (token string) {
	b.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if token, state := b.begin(key, long); state == idempotency.Claimed {
			return token
		}
	}
	b.t.Fatalf("%s is not free after %s", key, patience)
	return ""
}

func claimsAKeyOnce(_ *testing.T, b bench) {
	b.wants("key", idempotency.Claimed)
	b.wants("key", idempotency.Held)
	b.wants("key", idempotency.Held)
}

func knowsADoneKey(_ *testing.T, b bench) {
	b.wants("key", idempotency.Claimed)
	b.commit("key", long)
	b.wants("key", idempotency.Done)
	b.commit("key", long)
	b.wants("key", idempotency.Done)
}

func freesAReleasedKey(_ *testing.T, b bench) {
	b.release("key", b.wants("key", idempotency.Claimed))
	b.wants("key", idempotency.Claimed)
}

func releasesNothingByAnotherToken(_ *testing.T, b bench) {
	other := b.wants("other", idempotency.Claimed)
	b.wants("key", idempotency.Claimed)
	for _, token := range []string{other, "", "done", "x"} {
		b.release("key", token)
		b.wants("key", idempotency.Held)
	}
	b.release("nobody's", other)
}

func releasesNothingThatIsDone(_ *testing.T, b bench) {
	token := b.wants("key", idempotency.Claimed)
	b.commit("key", long)
	for _, token := range []string{token, "", "done"} {
		b.release("key", token)
		b.wants("key", idempotency.Done)
	}
}

func freesTheClaimOfWhoDied(_ *testing.T, b bench) {
	b.wants("alive", idempotency.Claimed)
	dead, state := b.begin("dead", short)
	if state != idempotency.Claimed {
		b.t.Fatal(state)
	}
	next := b.claimable("dead")
	b.wants("alive", idempotency.Held)
	// It was only slow: what it gives back is the next one's.
	b.release("dead", dead)
	b.wants("dead", idempotency.Held)
	b.release("dead", next)
	b.wants("dead", idempotency.Claimed)
}

func letsASuccessWinOverALaterClaim(_ *testing.T, b bench) {
	b.begin("key", short)
	next := b.claimable("key")
	b.commit("key", long)
	b.wants("key", idempotency.Done)
	b.release("key", next)
	b.wants("key", idempotency.Done)
}

func marksAKeyThatNobodyClaimed(_ *testing.T, b bench) {
	b.commit("key", long)
	b.wants("key", idempotency.Done)
}

func forgetsADoneKeyInTheEnd(_ *testing.T, b bench) {
	b.commit("kept", long)
	b.commit("key", short)
	b.claimable("key")
	b.wants("kept", idempotency.Done)
}

func givesAKeyToOneOfManyAtOnce(_ *testing.T, b bench) { b.race("key") }

func givesAnExpiredKeyToOneOfManyAtOnce(_ *testing.T, b bench) {
	b.begin("key", short)
	b.begin("later", short)
	b.claimable("later") // so the other has expired as well
	b.race("key")
}

// race lets many begin with a key, of whom one must get it.
func (b bench) race(key string) {
	b.t.Helper()
	var claimed atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, state, err := b.store.Begin(b.t.Context(), b.prefix+key, long)
			if err != nil || state == idempotency.Done {
				b.t.Errorf("%s, %v", state, err)
			}
			if state == idempotency.Claimed {
				claimed.Add(1)
			}
		})
	}
	group.Wait()
	if n := claimed.Load(); n != 1 {
		b.t.Errorf("%d have it", n)
	}
}

func isAReplayGuard(t *testing.T, b bench) {
	claim := func(key string, ttl time.Duration) bool {
		first, err := b.store.Claim(t.Context(), b.prefix+key, ttl)
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	if !claim("key", long) || claim("key", long) || claim("key", long) {
		t.Error("the first is not the only one")
	}
	b.wants("key", idempotency.Held)
	claim("brief", short)
	b.claimable("brief")
	if claim("key", long) {
		t.Error("forgotten before its time")
	}
}

func keepsKeysApart(_ *testing.T, b bench) {
	keys := []string{"a", "A", "a ", "a/b", "a*", "{a}", "é", "'; --", strings.Repeat("k", 400)}
	for _, key := range keys {
		b.wants(key, idempotency.Claimed)
	}
	b.commit("a", long)
	for _, key := range keys[1:] {
		b.wants(key, idempotency.Held)
	}
}
