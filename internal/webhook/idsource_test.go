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

func TestReplayedIDs(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_123)
	var first webhook.IDSource
	event := first.Next(at)
	var last webhook.ID
	for range 1000 {
		last = first.Next(at)
	}
	for _, after := range []time.Duration{0, time.Millisecond, 2 * time.Millisecond, time.Hour, 24 * time.Hour, 5 * 365 * 24 * time.Hour} {
		// What one replay makes has no order.
		ids, behind := webhook.NewReplayedIDs(at.Add(after)), last
		seen := make(map[webhook.ID]bool)
		for range 1000 {
			id := ids.Next(event)
			if bytes.Compare(behind[:], id[:]) >= 0 {
				t.Fatalf("after %s %s is not behind %s", after, id, behind)
			}
			if !id.Time().Equal(at) || seen[id] {
				t.Fatalf("%s has the time %s, or was made twice", id, id.Time())
			}
			seen[id] = true
			if bytes.Compare(last[:], id[:]) < 0 {
				last = id
			}
		}
	}
	early, late := webhook.NewReplayedIDs(at.Add(-time.Hour)).Next(event), webhook.NewReplayedIDs(at.AddDate(200, 0, 0)).Next(event)
	if !early.Time().Equal(at) || !late.Time().Equal(at) || bytes.Compare(event[:], early[:]) >= 0 || bytes.Compare(last[:], late[:]) >= 0 {
		t.Errorf("an hour before: %s; 200 years after: %s", early, late)
	}
}
