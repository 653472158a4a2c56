package deliver

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// memory is the stores as far as Postgres's answers matter to a Runner, on the
// clock of the test's bubble, which no Postgres could follow.
type memory struct {
	mu        sync.Mutex
	rows      map[webhook.ID]*row
	endpoints map[webhook.ID]webhook.Endpoint
	// promotions are the versions at which endpoints' new secrets were promoted.
	promotions []int64
}

type row struct {
	webhook.Standing
	due      time.Time
	held     string
	attempts []webhook.Attempt
}

func newMemory() *memory {
	return &memory{rows: make(map[webhook.ID]*row), endpoints: make(map[webhook.ID]webhook.Endpoint)}
}

// endpoint makes an active one.
func (s *memory) endpoint(change ...func(*webhook.Endpoint)) webhook.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := webhook.Endpoint{ID: webhook.NewID(time.Now()), WorkspaceID: "w", URL: "https://example.com", Secret: webhook.NewSecret(), Version: 1}
	for _, c := range change {
		c(&e)
	}
	e.URL += "/" + e.ID.String()
	s.endpoints[e.ID] = e
	return e.ID
}

// chunk makes n due deliveries that a new task holds.
func (s *memory) chunk(endpoint webhook.ID, n int) webhook.Chunk {
	return s.chunkOf(webhook.LaneDeliver, endpoint, n)
}

func (s *memory) chunkOf(lane webhook.Lane, endpoint webhook.ID, n int) webhook.Chunk {
	return s.chunkFor(lane, slices.Repeat([]webhook.ID{endpoint}, n)...)
}

// chunkFor has one delivery for each of the endpoints.
func (s *memory) chunkFor(lane webhook.Lane, endpoints ...webhook.ID) webhook.Chunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	event := webhook.CarriedEvent{ID: webhook.NewID(now), PublicID: "evt_x", Type: "a.b", Body: []byte(`{}`)}
	c := webhook.Chunk{Task: webhook.NewTask(lane, now), Events: []webhook.CarriedEvent{event}}
	for _, endpoint := range endpoints {
		m := webhook.Member{DeliveryID: webhook.NewID(now), EndpointID: endpoint, EventID: event.ID, WorkspaceID: "w"}
		c.Members = append(c.Members, m)
		s.rows[m.DeliveryID] = &row{due: now, Standing: webhook.Standing{
			Status: webhook.StatusPending, Task: c.Task, EndpointVersion: 1, EndpointActive: true,
		}}
	}
	return c
}

// of is a copy of a delivery's row.
func (s *memory) of(m webhook.Member) row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.rows[m.DeliveryID]
}

// count is how many rows are so.
func (s *memory) count(is func(*row) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if is(r) {
			n++
		}
	}
	return n
}

func (s *memory) Guard(_ context.Context, members []webhook.Member) (webhook.Standings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(webhook.Standings, len(members))
	for _, m := range members {
		r := s.rows[m.DeliveryID]
		st := r.Standing
		st.DueIn = time.Until(r.due)
		out[m.DeliveryID] = &st
	}
	return out, nil
}

func (r *row) holds(task string) bool { return r.Status == webhook.StatusPending && r.Task == task }

func (s *memory) HandOver(_ context.Context, members []webhook.Member, from, to string) (moved []webhook.ID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range members {
		if r := s.rows[m.DeliveryID]; r.holds(from) {
			r.Task = to
			moved = append(moved, m.DeliveryID)
		}
	}
	return moved, nil
}

func (s *memory) Park(_ context.Context, holds []webhook.Hold) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range holds {
		if r := s.rows[h.Delivery.DeliveryID]; r.holds(h.Task) {
			r.Task, r.held = "", h.Reason
		}
	}
	return nil
}

func (s *memory) EndRuns(context.Context, []webhook.ID) error { return nil }

func (s *memory) BeginProbe(context.Context, webhook.Member) (bool, error) { return true, nil }

func (s *memory) Promote(_ context.Context, _ webhook.WorkspaceID, _ webhook.ID, seen int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promotions = append(s.promotions, seen)
	return nil
}

func (s *memory) Wait(context.Context, []webhook.Member, string) error { return nil }

func (s *memory) Settle(_ context.Context, members []webhook.Member, task string, status webhook.Status, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range members {
		if r := s.rows[m.DeliveryID]; r.holds(task) {
			r.Task, r.Status = "", status
		}
	}
	return nil
}

func (s *memory) Events(_ context.Context, members []webhook.Member) (map[webhook.ID]webhook.CarriedEvent, error) {
	out := make(map[webhook.ID]webhook.CarriedEvent)
	for _, m := range members {
		out[m.EventID] = webhook.CarriedEvent{ID: m.EventID, PublicID: "evt_x", Type: "a.b", Body: []byte(`{}`)}
	}
	return out, nil
}

func (s *memory) Endpoints(_ context.Context, ids []webhook.ID) (all []webhook.Endpoint, _ map[webhook.ID]error, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		all = append(all, s.endpoints[id])
	}
	return all, nil, nil
}

func (s *memory) Record(_ context.Context, outcomes []webhook.Outcome) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	decided := make([]bool, len(outcomes))
	for i, o := range outcomes {
		r := s.rows[o.Delivery.DeliveryID]
		decided[i] = o.Status == webhook.StatusSuccess || r.holds(o.Task) && r.Attempts == o.Seen
		r.Attempts++
		if o.Refused != nil {
			r.attempts = append(r.attempts, *o.Refused)
		}
		r.attempts = append(r.attempts, o.Attempt)
		if decided[i] {
			r.Status, r.Task, r.due = o.Status, o.NextTask, time.Now().Add(o.Delay)
		} else {
			r.ScheduleStart++
		}
	}
	return decided, nil
}

func (s *memory) Failing(context.Context) ([]webhook.ID, error) { return nil, nil }
