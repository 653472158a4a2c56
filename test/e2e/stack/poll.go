package stack

import (
	"testing"
	"time"
)

// Patience is how long anything is waited for that has to happen. It decides
// nothing but how soon a test that fails ends: what a killed worker held comes
// back within two minutes, and the machine may be busy.
const Patience = 3 * time.Minute

// Eventually polls until done, and fails the test if that never comes.
func Eventually(t testing.TB, claim string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never within %s: %s", Patience, claim)
		}
		<-tick.C
	}
}
