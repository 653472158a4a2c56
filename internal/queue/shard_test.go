package queue

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestNames(t *testing.T) {
	start := time.Now()
	all := placed()
	t.Log(time.Since(start))
	for s, n := range all.names {
		if s.place%11 == 0 {
			t.Log(s, n, slotOf(n))
		}
	}
	_ = webhook.Lanes
}
