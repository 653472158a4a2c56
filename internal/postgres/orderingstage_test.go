package postgres_test

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// placed is a delivery as its worker knows it.
type placed struct {
	webhook.Member
	task string
	turn webhook.Turn
}

// accepts commits events with these keys, each to the stage's endpoint, and returns
// their deliveries; those that wait have no task.
func (s *stage) accepts(db *postgres.DB, at time.Time, keys ...string) []placed {
	s.t.Helper()
	out, err := s.accept(db, at, s.end, keys...)
	must(s.t, err)
	return out
}

func (s *stage) accept(db *postgres.DB, at time.Time, endpoint webhook.ID, keys ...string) (out []placed, err error) {
	g := &webhook.Group{}
	for n, key := range keys {
		g.Events = append(g.Events, webhook.Event{
			ID: webhook.NewID(at), WorkspaceID: "w", Type: "a.b", CreatedAt: at, Body: []byte("{}"), Deliveries: 1, Options: webhook.Options{OrderingKey: key},
		})
		g.Deliveries = append(g.Deliveries, webhook.NewDelivery{
			ID: webhook.NewID(at), Event: n, EndpointID: endpoint, Task: webhook.NewTask(webhook.LaneDeliver, at),
		})
	}
	if _, err := postgres.NewIngest(db).Commit(context.Background(), g); err != nil {
		return nil, err
	}
	for n, d := range g.Deliveries {
		p := placed{Member: webhook.Member{DeliveryID: d.ID, EndpointID: endpoint, EventID: g.Events[n].ID, WorkspaceID: "w"}}
		if !d.Waits {
			p.task = d.Task
		}
		out = append(out, p)
	}
	return out, nil
}

// guard asks as a worker does, and keeps the delivery's turn.
func (s *stage) guard(p *placed) webhook.Standing {
	s.t.Helper()
	all, err := s.deliver(s.db).Guard(context.Background(), []webhook.Member{p.Member})
	must(s.t, err)
	st := all[p.DeliveryID]
	if st == nil {
		s.t.Fatalf("nothing is known of %s", p.DeliveryID)
	}
	if st.Turn != nil {
		p.turn = *st.Turn
	}
	return *st
}

// ends records an attempt of a delivery's task and returns who has the turn next.
func (s *stage) ends(p placed, code int, change ...func(*webhook.Outcome)) *webhook.Chunk {
	s.t.Helper()
	st := s.guard(&p)
	o := outcome(p.Member, p.task, st.Attempts, code)
	if code/100 != 2 {
		o.Status, o.NextTask, o.Delay = webhook.StatusFailed, "", 0
	}
	o.Turn = &webhook.Turn{Key: p.turn.Key, Seq: p.turn.Seq}
	for _, c := range change {
		c(&o)
	}
	s.records(s.db, []webhook.Outcome{o}, true)
	return o.Turn.Next
}

// waitingStates: in neither feed's nor audit's index.
const (
	waitsForTurn = "status = 'pending' AND parked AND held_reason = 'ordering' AND task IS NULL AND attempts = 0"
	feeds        = "status = 'pending' AND NOT parked AND held_reason IS NULL AND task IS NULL"
)

// goesTo fails the test unless the turn is this one's, by a task that its row names.
func (s *stage) goesTo(next *webhook.Chunk, p *placed) {
	s.t.Helper()
	if next == nil || len(next.Members) != 1 || next.Members[0] != p.Member {
		s.t.Fatalf("the turn went to %+v, want %+v", next, p.Member)
	}
	p.task = next.Task
	st := s.guard(p)
	if st.Task != next.Task || st.Status != webhook.StatusPending || st.Waits || st.DueIn > 0 {
		s.t.Errorf("it stands at %+v", st)
	}
}
