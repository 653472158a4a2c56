package idempotency_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/idempotency"
	"github.com/postrider/postrider/idempotency/internal/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, &idempotency.Memory{})
}

func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &idempotency.Memory{}
		if err := m.Commit(t.Context(), "kept", time.Hour); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if _, _, err := m.Begin(t.Context(), strconv.Itoa(i), 30*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if n := m.Len(); n != 101 {
			t.Errorf("%d keys, want 101", n)
		}
		<-time.After(2 * time.Minute)
		if _, state, err := m.Begin(t.Context(), "kept", time.Second); state != idempotency.Done || err != nil {
			t.Errorf("the one that is kept is %s, %v", state, err)
		}
		if n := m.Len(); n != 1 {
			t.Errorf("%d keys, want what is kept alone", n)
		}
	})
}
