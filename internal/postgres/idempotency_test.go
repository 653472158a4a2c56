package postgres_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

func TestIdempotencyHash(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := context.Background()
	newKey := bytes.Repeat([]byte{8}, 32)
	old, both, rotated := postgres.NewIdempotency(s.db), postgres.NewIdempotency(s.open(newKey, oneKey)), postgres.NewIdempotency(s.open(newKey))
	sum := sha256.Sum256([]byte("a request"))
	other := sha256.Sum256([]byte("another"))
	key := func(name string) webhook.IdempotencyKey {
		return webhook.IdempotencyKey{WorkspaceID: "w", Route: "POST /v1/x", Key: name}
	}
	made := func(store *postgres.Idempotency, name string) webhook.Claim {
		t.Helper()
		c, err := store.Claim(ctx, key(name), sum[:], time.Now(), time.Minute)
		must(t, err)
		if !c.Mine || !c.Same {
			t.Fatalf("got %+v", c)
		}
		_, err = store.Keep(ctx, key(name), &c, []byte("the answer"))
		must(t, err)
		return c
	}

	t.Run("TellsNothingWithoutTheKey", func(t *testing.T) {
		made(old, "one")
		made(old, "two")
		for _, known := range [][]byte{sum[:], []byte("a request"), []byte("the answer")} {
			if n := query[int](s, "SELECT count(*) FROM idempotency_keys WHERE position($1::bytea IN request_hash || answer) > 0", known); n != 0 {
				t.Errorf("%x is in %d rows", known, n)
			}
		}
		s.holds("SELECT count(DISTINCT request_hash) = 2 FROM idempotency_keys")
		// Behind the key's id: whoever can compute it without the key can test guesses.
		const hash = "SELECT substr(request_hash, 5) FROM idempotency_keys WHERE key = 'one'"
		byOld := query[[]byte](s, hash)
		s.exec("DELETE FROM idempotency_keys WHERE key = 'one'")
		made(rotated, "one")
		if bytes.Equal(byOld, query[[]byte](s, hash)) {
			t.Error("another key makes the same hash")
		}
	})
	t.Run("IsKnownUnderAnyOfTheKeys", func(t *testing.T) {
		made(old, "rotated")
		for _, store := range []*postgres.Idempotency{old, both} {
			c, err := store.Claim(ctx, key("rotated"), sum[:], time.Now(), time.Minute)
			if err != nil || c.Mine || !c.Same || string(c.Answer) != "the answer" {
				t.Errorf("got %+v, %v", c, err)
			}
			if c, err = store.Find(ctx, key("rotated"), other[:]); err != nil || c.Same || c.Answer != nil || c.Due {
				t.Errorf("of another request: %+v, %v", c, err)
			}
		}
	})
	t.Run("OfAKeyThatIsGoneIsNoAnswer", func(t *testing.T) {
		made(old, "gone")
		_, err := rotated.Claim(ctx, key("gone"), sum[:], time.Now(), time.Minute)
		wantCode(t, err, webhook.CodeUnavailable)
		s.exec("UPDATE idempotency_keys SET created_at = now() - interval '1 day' WHERE key = 'gone'")
		if c, err := rotated.Claim(ctx, key("gone"), sum[:], time.Now(), time.Minute); err != nil || !c.Mine {
			t.Errorf("after a day: %+v, %v", c, err)
		}
	})
	t.Run("OfTheReleaseBeforeIsKnown", func(t *testing.T) {
		made(old, "before")
		s.exec("UPDATE idempotency_keys SET request_hash = $1 WHERE key = 'before'", sum[:])
		if c, err := old.Claim(ctx, key("before"), sum[:], time.Now(), time.Minute); err != nil || !c.Same || c.Answer == nil {
			t.Errorf("got %+v, %v", c, err)
		}
		if c, err := old.Claim(ctx, key("before"), other[:], time.Now(), time.Minute); err != nil || c.Same {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("IsTakenOverUnderTheNewestKey", func(t *testing.T) {
		first, err := old.Claim(ctx, key("died"), sum[:], time.Now(), time.Minute)
		must(t, err)
		s.exec("UPDATE idempotency_keys SET claimed_until = now() WHERE key = 'died'")
		if c, err := both.Claim(ctx, key("died"), other[:], time.Now(), time.Minute); err != nil || c.Mine || c.Same {
			t.Errorf("by another request: %+v, %v", c, err)
		}
		second, err := both.Claim(ctx, key("died"), sum[:], time.Now(), time.Minute)
		if err != nil || !second.Mine || second.Token != first.Token || second.ID == first.ID {
			t.Errorf("got %+v after %+v, %v", second, first, err)
		}
		if c, err := rotated.Find(ctx, key("died"), sum[:]); err != nil || !c.Same || c.Due {
			t.Errorf("got %+v, %v", c, err)
		}
		_, err = old.Keep(ctx, key("died"), &first, []byte("late"))
		must(t, err)
		s.holds("SELECT answer IS NULL FROM idempotency_keys WHERE key = 'died'")
	})
}

// However many keys there are, each statement looks at its own.
func TestIdempotencyGoesByItsIndexes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec(`INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until)
		SELECT 'w', 'POST /v1/events', 'k' || i, '', gen_random_uuid(), gen_random_uuid(), now() FROM generate_series(1, 20000) i`)
	s.exec("VACUUM ANALYZE idempotency_keys")
	conn := s.planner()
	id := pg(webhook.NewID(time.Now()))
	var workspaces, routes, keys []string
	var ids, raws any
	{
		var all [][16]byte
		var raw [][]byte
		for i := range 200 {
			workspaces, routes, keys = append(workspaces, "w"), append(routes, "POST /v1/events"), append(keys, fmt.Sprint("k", i*50+1))
			all, raw = append(all, id.Bytes), append(raw, []byte("x"))
		}
		ids, raws = all, raw
	}
	for name, want := range map[string]struct {
		index, sql string
		args       []any
	}{
		"Find":     {"idempotency_keys_pkey", dbsqlc.KeyByName, []any{"w", "POST /v1/events", "k7"}},
		"Take":     {"idempotency_keys_pkey", dbsqlc.TakeKey, []any{[]byte("h"), id, 1.0, id, "w", "POST /v1/events", "k7", id}},
		"Keep":     {"idempotency_keys_pkey", dbsqlc.KeepAnswer, []any{[]byte("a"), "w", "POST /v1/events", "k7", id}},
		"Owners":   {"idempotency_keys_pkey", dbsqlc.KeyOwners, []any{workspaces, routes, keys}},
		"KeepMany": {"idempotency_keys_pkey", dbsqlc.KeepAnswers, []any{workspaces, routes, keys, ids, raws}},
	} {
		t.Run(name, func(t *testing.T) { wantPlan(t, conn, 0, want.index, want.sql, want.args...) })
	}
}
