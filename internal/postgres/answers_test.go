package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func idempotencyKey(name string) webhook.IdempotencyKey {
	return webhook.IdempotencyKey{WorkspaceID: "w", Route: "POST /v1/events", Key: name}
}

func digestOf(request string) []byte {
	sum := sha256.Sum256([]byte(request))
	return sum[:]
}

// keyedGroup is groupOf one event a key, "" being none.
func (s *stage) keyedGroup(keys ...string) *webhook.Group {
	g := s.groupOf(make([]string, len(keys))...)
	for n, key := range keys {
		if key != "" {
			g.Answers = append(g.Answers, webhook.Answer{
				Event: n, Key: idempotencyKey(key), Digest: digestOf(key), Body: []byte("accepted " + g.Events[n].ID.String()),
			})
		}
	}
	return g
}

// wantTaken fails the test unless the left-out events are those at these places.
func wantTaken(t testing.TB, g *webhook.Group, dups map[webhook.ID]webhook.Event, places ...int) {
	t.Helper()
	for _, n := range places {
		if first, ok := dups[g.Events[n].ID]; !ok || !first.ID.IsZero() {
			t.Errorf("event %d is not left out: %v", n, dups)
		}
	}
	if len(dups) != len(places) {
		t.Errorf("left out are %v, want %v", dups, places)
	}
}

func TestCommitWithAnswers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("KeepsThemInItsTransaction", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.keyedGroup("b", "", "a")
		wantTaken(t, g, s.commits(s.db, g))
		s.wantStored(3)
		s.holds("SELECT count(DISTINCT xmin::text) = 1 FROM (SELECT xmin FROM events UNION ALL SELECT xmin FROM idempotency_keys) x")
		store := postgres.NewIdempotency(s.db)
		for _, a := range g.Answers {
			c, err := store.Claim(ctx, a.Key, a.Digest, time.Now(), time.Minute)
			if err != nil || c.Mine || !c.Same || string(c.Answer) != string(a.Body) || c.Due {
				t.Errorf("%s: got %+v, %v", a.Key.Key, c, err)
			}
			if c, err := store.Find(ctx, a.Key, digestOf("another")); err != nil || c.Same || c.Answer != nil {
				t.Errorf("another request: %+v, %v", c, err)
			}
			for _, known := range [][]byte{a.Body, a.Digest} {
				s.holds("SELECT count(*) = 0 FROM idempotency_keys WHERE position($1::bytea IN request_hash || answer) > 0", known)
			}
		}
	})

	t.Run("LeavesOutWhoseKeyIsTaken", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewIdempotency(s.db)
		first := s.keyedGroup("answered", "old")
		s.commits(s.db, first)
		_, err := store.Claim(ctx, idempotencyKey("in flight"), digestOf("x"), time.Now(), time.Minute)
		must(t, err)
		s.exec("UPDATE idempotency_keys SET created_at = now() - interval '1 day' WHERE key = 'old'")
		kept := query[string](s, "SELECT string_agg(to_jsonb(k)::text, ' ' ORDER BY key) FROM idempotency_keys k")
		g := s.keyedGroup("new", "answered", "", "in flight", "old")
		wantTaken(t, g, s.commits(s.db, g), 1, 3, 4)
		s.wantStored(4)
		s.holds("SELECT string_agg(to_jsonb(k)::text, ' ' ORDER BY key) = $1 FROM idempotency_keys k WHERE key <> 'new'", kept)
	})

	t.Run("OfOneKeyTwiceInAGroupIsOneEvent", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.keyedGroup("k", "other", "k")
		wantTaken(t, g, s.commits(s.db, g), 2)
		s.wantStored(2)
	})

	t.Run("GoesWithCallersOwnIDs", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.commits(s.db, s.groupOf("own"))
		s.commits(s.db, s.keyedGroup("taken"))
		g := s.keyedGroup("taken", "", "new")
		g.Events[1].ExternalID = "own"
		dups := s.commits(s.db, g)
		if first := dups[g.Events[1].ID]; first.ExternalID != "own" {
			t.Errorf("the duplicate is %+v", first)
		}
		delete(dups, g.Events[1].ID)
		wantTaken(t, g, dups, 0)
		s.wantStored(3)
	})

	t.Run("WaitsForAnotherThatHasTheKeyUnderWay", func(t *testing.T) {
		t.Parallel()
		for name, commits := range map[string]bool{"AndIsLeftOut": true, "AndIsTheFirstWhereThatRollsBack": false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				other, err := s.raw.Begin(ctx)
				must(t, err)
				defer other.Rollback(ctx) // or the pool waits for it, where the test fails
				_, err = other.Exec(ctx, `INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until, answer)
					VALUES ('w', 'POST /v1/events', 'k', '', gen_random_uuid(), gen_random_uuid(), now(), '')`)
				must(t, err)
				g := s.keyedGroup("k", "")
				done := make(chan map[webhook.ID]webhook.Event, 1)
				go func() { done <- s.commits(s.db, g) }()
				s.eventually(blocked)
				if commits {
					must(t, other.Commit(ctx))
					wantTaken(t, g, <-done, 0)
					s.wantStored(1)
					return
				}
				must(t, other.Rollback(ctx))
				wantTaken(t, g, <-done)
				s.wantStored(2)
			})
		}
	})

	t.Run("TakesItsKeysInOneOrder", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		other, err := s.raw.Begin(ctx)
		must(t, err)
		defer other.Rollback(ctx)
		take := func(key string) error {
			_, err := other.Exec(ctx, `INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until)
				VALUES ('w', 'POST /v1/events', $1, '', gen_random_uuid(), gen_random_uuid(), now())`, key)
			return err
		}
		must(t, take("a"))
		g := s.keyedGroup("b", "a")
		done := make(chan map[webhook.ID]webhook.Event, 1)
		go func() { done <- s.commits(s.db, g) }()
		s.eventually(blocked) // on a, before b
		_, err = other.Exec(ctx, "SET LOCAL lock_timeout = '5s'")
		must(t, err)
		must(t, take("b"))
		must(t, other.Commit(ctx))
		wantTaken(t, g, <-done, 0, 1)
		s.wantStored(0)
	})

	t.Run("KeepsNoneOfAGroupThatFails", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.keyedGroup("k", "")
		g.Events[1].Type = "nul\x00"
		_, err := postgres.NewIngest(s.db).Commit(ctx, g)
		wantCode(t, err, webhook.CodeInternal)
		s.holds("SELECT count(*) = 0 FROM idempotency_keys")
		s.wantStored(0)
	})
}

func TestCommitWithAnswersWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		// before is done once "taken" is.
		before string
		keys   []string
		taken  []int
	}{
		"IsStoredOnce":                {"", []string{"a", "", "b"}, nil},
		"LeavesOutWhatTheFirstTryDid": {"", []string{"a", "taken"}, []int{1}},
		// The key is free by the time of the second try, but its event was not stored.
		"AlsoIfItsKeyIsFreeByThen": {
			`CREATE FUNCTION free() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM idempotency_keys WHERE key = 'taken'; RETURN NULL; END $$;
			CREATE TRIGGER free AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION free()`,
			[]string{"taken", "a"}, []int{0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.commits(s.db, s.keyedGroup("taken"))
			if tt.before != "" {
				s.exec(tt.before)
			}
			far, p := s.behind()
			p.armed.Store(true)
			g := s.keyedGroup(tt.keys...)
			dups := s.commits(far, g)
			if p.armed.Load() {
				t.Fatal("no answer was swallowed")
			}
			wantTaken(t, g, dups, tt.taken...)
			s.wantStored(1 + len(tt.keys) - len(tt.taken))
			s.holds("SELECT count(*) = $1 FROM idempotency_keys WHERE key IN ('a', 'b')", len(g.Answers)-len(tt.taken))
		})
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commits(s.db, s.keyedGroup("a", "b"))
	store := postgres.NewIngest(s.db)
	elsewhere, otherPath := idempotencyKey("a"), idempotencyKey("a")
	elsewhere.WorkspaceID, otherPath.Route = "other", "POST /v1/events/batch"
	got, err := store.Taken(context.Background(), []webhook.IdempotencyKey{idempotencyKey("a"), idempotencyKey("new"), elsewhere, otherPath})
	must(t, err)
	if want := map[webhook.IdempotencyKey]bool{idempotencyKey("a"): true}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v", got)
	}
}
