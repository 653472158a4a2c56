package postgres_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestLive(t *testing.T) {
	t.Parallel()
	s := feedSetup(t)
	live := postgres.NewLive(s.db)
	ctx := t.Context()
	first := s.accept("a", `{"n":1}`, false, webhook.Options{})
	second := s.accept("b", `{"n":22}`, true, webhook.Options{Targets: []webhook.ID{s.endpoint.ID}})
	third := s.accept("c", `{"n":3}`, false, webhook.Options{})

	t.Run("HasWhatIsBehindAPosition", func(t *testing.T) {
		t.Parallel()
		heads, err := live.After(ctx, "w", first.ID, webhook.ID{}, 10)
		must(t, err)
		if len(heads) != 2 || heads[0].ID != second.ID || heads[0].Type != "b" || heads[0].Size != int64(len(second.Body)) || heads[1].ID != third.ID {
			t.Errorf("got %+v", heads)
		}
		for _, bounded := range []struct {
			until webhook.ID
			n     int
		}{{third.ID, 10}, {webhook.ID{}, 1}} {
			if heads, err = live.After(ctx, "w", first.ID, bounded.until, bounded.n); err != nil || len(heads) != 1 || heads[0].ID != second.ID {
				t.Errorf("got %+v, %v", heads, err)
			}
		}
		if heads, err = live.After(ctx, "other", first.ID, webhook.ID{}, 10); err != nil || len(heads) != 0 {
			t.Errorf("another workspace has %+v, %v", heads, err)
		}
	})

	t.Run("ReadsEventsOldestFirst", func(t *testing.T) {
		t.Parallel()
		events, err := live.Events(ctx, "w", []webhook.ID{third.ID, second.ID, webhook.NewID(time.Now())})
		must(t, err)
		if len(events) != 2 || events[0].ID != second.ID || string(events[0].Body) != string(second.Body) || events[0].WorkspaceID != "w" ||
			!events[0].Targeted(s.endpoint.ID) || events[0].Targeted(s.end) || events[1].ID != third.ID {
			t.Errorf("got %+v", events)
		}
		if events, err = live.Events(ctx, "other", []webhook.ID{third.ID}); err != nil || len(events) != 0 {
			t.Errorf("another workspace has %+v, %v", events, err)
		}
		if events, err = live.Events(ctx, "w", nil); err != nil || events != nil {
			t.Errorf("got %+v, %v", events, err)
		}
	})

	t.Run("KnowsWhatIsSettled", func(t *testing.T) {
		t.Parallel()
		at, err := live.Settled(ctx)
		must(t, err)
		if ago := time.Since(at.Time()); ago < 4*time.Second || ago > time.Minute {
			t.Errorf("nothing comes in any more that is older than %s", ago)
		}
	})
}
