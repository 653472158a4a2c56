package postgres_test

import (
	"testing"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store, audit := s.deliver(s.db), postgres.NewAudit(s.db)
	beats := func() map[string]int64 {
		t.Helper()
		all, err := audit.Heartbeats(t.Context())
		must(t, err)
		return all
	}
	beat := func(worker string) {
		t.Helper()
		_, err := store.Heartbeat(t.Context(), worker, "h")
		must(t, err)
	}
	if all := beats(); len(all) != 0 {
		t.Errorf("nobody has %v", all)
	}
	beat("a")
	beat("b")
	before := beats()
	beat("a")
	after := beats()
	if len(after) != 2 || after["w_a"] <= before["w_a"] || after["w_b"] != before["w_b"] || after["w_b"] == 0 {
		t.Errorf("%v after %v: only w_a gave a sign", after, before)
	}
	must(t, store.Leave(t.Context(), "b"))
	if all := beats(); len(all) != 1 {
		t.Errorf("one left, and there are %v", all)
	}
}

func TestHeldBy(t *testing.T) {
	t.Parallel()
	s := setup(t)
	want := map[webhook.ID]string{}
	for i := range 6 {
		task := []string{"w_a", "w_b"}[i%2]
		want[s.pending(i%3, task).DeliveryID] = task
	}
	s.pending(0, "w_c")
	s.pending(0, "c_1")
	s.pending(0, "")
	s.set(s.pending(0, "w_a"), isSuccess)
	s.set(s.pending(0, "w_a"), isParked)
	held := func(limit int) (n int) {
		t.Helper()
		chunks, err := postgres.NewAudit(s.db).HeldBy(t.Context(), []string{"w_a", "w_b"}, limit)
		must(t, err)
		for _, c := range chunks {
			for _, m := range c.Members {
				if n++; want[m.DeliveryID] != c.Task || m.WorkspaceID != "w" {
					t.Errorf("%s holds %+v", c.Task, m)
				}
			}
		}
		return n
	}
	if n := held(100); n != len(want) {
		t.Errorf("got %d, want %d", n, len(want))
	}
	if n := held(4); n != 4 {
		t.Errorf("got %d, want no more than 4", n)
	}
}
