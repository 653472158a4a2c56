package webhook_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestIDSource(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_123)

	t.Run("GrowsWithinAMillisecondAndKeepsItsTime", func(t *testing.T) {
		t.Parallel()
		var s webhook.IDSource
		last := s.Next(at)
		for range 100_000 {
			id := s.Next(at)
			if bytes.Compare(last[:], id[:]) >= 0 {
				t.Fatalf("%s after %s", id, last)
			}
			if !id.Time().Equal(at) {
				t.Fatalf("%s has the time %s, not %s", id, id.Time(), at)
			}
			last = id
		}
	})

	t.Run("TakesATimeThatWentBack", func(t *testing.T) {
		t.Parallel()
		var s webhook.IDSource
		s.Next(at)
		if id := s.Next(at.Add(-time.Hour)); !id.Time().Equal(at.Add(-time.Hour)) {
			t.Errorf("the time is %s", id.Time())
		}
	})

	t.Run("TwoSourcesShareNoID", func(t *testing.T) {
		t.Parallel()
		var a, b webhook.IDSource
		seen := make(map[webhook.ID]bool)
		for range 10_000 {
			for _, id := range []webhook.ID{a.Next(at), b.Next(at)} {
				if seen[id] {
					t.Fatalf("%s twice", id)
				}
				seen[id] = true
			}
		}
	})
}
