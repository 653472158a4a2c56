package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx, now := t.Context(), time.Now()
	sessions, links, keys := postgres.NewSessions(s.db), postgres.NewPortalLinks(s.db), postgres.NewKeys(s.db)
	made := func(t *testing.T, in webhook.Session) []byte {
		t.Helper()
		hash := webhook.HashToken(webhook.NewToken())
		in.ExpiresAt = now.Add(time.Hour)
		must(t, sessions.Create(ctx, hash, &in, now))
		return hash
	}
	is := func(t *testing.T, hash []byte, at time.Time, want webhook.Code) webhook.Session {
		t.Helper()
		got, err := sessions.ByHash(ctx, hash, at)
		if webhook.CodeOf(err) != want && (err != nil || want != "") {
			t.Errorf("got %v, want %q", err, want)
		}
		return got
	}
	ws := webhook.Workspace{ID: "w"}

	t.Run("LastUntilTheyExpireOrAreRemoved", func(t *testing.T) {
		hash := made(t, webhook.Session{Kind: webhook.SessionAdmin})
		is(t, hash, now.Add(time.Hour-time.Millisecond), "")
		is(t, hash, now.Add(time.Hour), webhook.CodeNotFound)
		must(t, sessions.Remove(ctx, hash))
		is(t, hash, now, webhook.CodeNotFound)
		must(t, sessions.Remove(ctx, hash))
	})
	t.Run("EndWithTheirKeyAndOthersDoNot", func(t *testing.T) {
		mine, others := webhook.Key{ID: webhook.NewID(now), WorkspaceID: "w", Name: "mine", Scopes: webhook.PortalScopes(false)}, webhook.Key{ID: webhook.NewID(now), WorkspaceID: "w"}
		must(t, keys.Create(ctx, mine, webhook.HashToken("mine")))
		must(t, keys.Create(ctx, others, webhook.HashToken("others")))
		hash, other := made(t, webhook.Session{Kind: webhook.SessionKey, Key: mine, Workspace: ws}), made(t, webhook.Session{Kind: webhook.SessionKey, Key: others, Workspace: ws})
		if got := is(t, hash, now, ""); got.Key.Name != "mine" || len(got.Key.Scopes) != 3 || got.Workspace.ID != "w" {
			t.Errorf("got %+v", got)
		}
		must(t, keys.Revoke(ctx, "w", mine.ID))
		is(t, hash, now, webhook.CodeNotFound)
		is(t, other, now, "")
	})
	t.Run("OneLinkMakesOneSessionHoweverManyUseItAtOnce", func(t *testing.T) {
		link := webhook.HashToken("link")
		must(t, links.Create(ctx, webhook.PortalLink{ID: webhook.NewID(now), WorkspaceID: "w", ExpiresAt: now.Add(time.Minute)}, link, now))
		var in atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, err := sessions.Enter(ctx, link, webhook.HashToken(webhook.NewToken()), webhook.Session{ExpiresAt: now.Add(time.Hour)}, now)
				if err == nil {
					in.Add(1)
				} else if webhook.CodeOf(err) != webhook.CodeNotFound {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			t.Errorf("%d came in", in.Load())
		}
	})
	t.Run("LinkThatIsLateOpensNothing", func(t *testing.T) {
		link := webhook.HashToken("late")
		must(t, links.Create(ctx, webhook.PortalLink{ID: webhook.NewID(now), WorkspaceID: "w", ExpiresAt: now.Add(time.Minute)}, link, now))
		_, err := sessions.Enter(ctx, link, webhook.HashToken("s"), webhook.Session{}, now.Add(time.Minute))
		wantCode(t, err, webhook.CodeNotFound)
	})
	t.Run("EndWithTheirWorkspaceAsDoItsLinks", func(t *testing.T) {
		_, err := postgres.NewWorkspaces(s.db).Create(ctx, webhook.Workspace{ID: "gone", Name: "G", PortalOrigins: []string{"https://a.example"}})
		must(t, err)
		first, second, hash := webhook.HashToken("first"), webhook.HashToken("second"), webhook.HashToken("session")
		for _, link := range [][]byte{first, second} {
			must(t, links.Create(ctx, webhook.PortalLink{ID: webhook.NewID(now), WorkspaceID: "gone", ExpiresAt: now.Add(time.Minute)}, link, now))
		}
		_, err = sessions.Enter(ctx, first, hash, webhook.Session{ExpiresAt: now.Add(time.Hour)}, now)
		must(t, err)
		if got := is(t, hash, now, ""); len(got.Workspace.PortalOrigins) != 1 || got.Workspace.Name != "G" || got.Key.Allows(webhook.ScopeEndpointsWrite) {
			t.Errorf("got %+v", got)
		}
		must(t, postgres.NewWorkspaces(s.db).Delete(ctx, "gone"))
		is(t, hash, now, webhook.CodeNotFound)
		_, err = sessions.Enter(ctx, second, webhook.HashToken("s2"), webhook.Session{ExpiresAt: now.Add(time.Hour)}, now)
		wantCode(t, err, webhook.CodeNotFound)
		wantCode(t, links.Create(ctx, webhook.PortalLink{ID: webhook.NewID(now), WorkspaceID: "gone", ExpiresAt: now.Add(time.Minute)}, webhook.HashToken("third"), now), webhook.CodeNotFound)
	})
	t.Run("ForgetsWhatIsOver", func(t *testing.T) {
		old := made(t, webhook.Session{Kind: webhook.SessionAdmin})
		must(t, sessions.Create(ctx, webhook.HashToken("later"), &webhook.Session{Kind: webhook.SessionAdmin, ExpiresAt: now.Add(3 * time.Hour)}, now.Add(2*time.Hour)))
		if n := query[int](s, "SELECT count(*)::int FROM console_sessions WHERE hash = $1", old); n != 0 {
			t.Error("one that expired is still there")
		}
		link := webhook.HashToken("unused")
		must(t, links.Create(ctx, webhook.PortalLink{ID: webhook.NewID(now), WorkspaceID: "w", ExpiresAt: now.Add(time.Minute)}, link, now))
		must(t, links.Create(ctx, webhook.PortalLink{ID: webhook.NewID(now), WorkspaceID: "w", ExpiresAt: now.Add(3 * time.Hour)}, webhook.HashToken("next"), now.Add(2*time.Hour)))
		if n := query[int](s, "SELECT count(*)::int FROM portal_links WHERE hash = $1", link); n != 0 {
			t.Error("a link that expired is still there")
		}
	})
}
