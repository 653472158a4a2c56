package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// fleet is all processes at once, a step at a time: what is in Redis, what died, and
// what was retried by hand, which goes alone.
type fleet struct {
	*stage
	r     *rapid.T
	other *postgres.DB
	end   webhook.ID
	redis []placed
	dead  []placed // their rows name tasks that are nowhere
	alone map[webhook.ID]bool
	sent  int
}

func (f *fleet) ok(err error) {
	f.r.Helper()
	if err != nil {
		f.r.Fatal(err)
	}
}

func (f *fleet) chance(percent int, what string) bool {
	return rapid.IntRange(0, 99).Draw(f.r, what) < percent
}

// enqueue puts a task into Redis, unless its process is killed just before.
func (f *fleet) enqueue(p placed, killed bool) {
	if killed {
		f.dead = append(f.dead, p)
	} else {
		f.redis = append(f.redis, p)
	}
}

func (f *fleet) accept(*rapid.T) {
	keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 1, 5).Draw(f.r, "keys")
	db := f.db
	if f.chance(50, "other api") {
		db = f.other
	}
	all, err := f.stage.accept(db, time.Now(), f.end, keys...)
	f.ok(err)
	killed := f.chance(15, "killed before it enqueues")
	for _, p := range all {
		if p.task != "" {
			f.enqueue(p, killed)
		}
	}
}

// work is one task with a worker.
func (f *fleet) work(*rapid.T) {
	if len(f.redis) == 0 {
		return
	}
	n := rapid.IntRange(0, len(f.redis)-1).Draw(f.r, "task")
	p := f.redis[n]
	if !f.chance(10, "asynq gives it out twice") {
		f.redis = slices.Delete(f.redis, n, n+1)
	}
	end := rapid.SampledFrom([]string{"success", "success", "failed", "retry", "killed", "gone"}).Draw(f.r, "end")
	f.attempt(p, end)
}

// attempt is guard, request and record.
func (f *fleet) attempt(p placed, end string) {
	st := f.guard(&p)
	if st.Task != p.task || st.Status != webhook.StatusPending || st.DueIn > 0 {
		return
	}
	if st.Waits {
		f.r.Fatalf("%s has a task before its turn", p.DeliveryID)
	}
	f.inOrder(p)
	f.sent++
	if end == "killed" { // after the answer, before the record
		f.dead = append(f.dead, p)
		return
	}
	o := outcome(p.Member, p.task, st.Attempts, 200)
	if p.turn.Key != "" {
		o.Turn = &webhook.Turn{Key: p.turn.Key, Seq: p.turn.Seq}
	}
	switch end {
	case "retry":
		o.Status, o.NextTask, o.Attempt.StatusCode = webhook.StatusPending, webhook.NewTask(webhook.LaneRetry, time.Now()), 500
	case "failed":
		o.Status, o.Attempt.StatusCode = webhook.StatusFailed, 500
	case "gone":
		o.Status, o.Attempt.StatusCode = webhook.StatusFailed, 410
	}
	decided, err := f.deliver(f.db).Record(context.Background(), []webhook.Outcome{o})
	f.ok(err)
	killed := end != "drain" && f.chance(15, "killed after its record")
	if o.NextTask != "" && decided[0] {
		f.enqueue(placed{Member: p.Member, task: o.NextTask}, killed)
	}
	if o.Turn != nil && o.Turn.Next != nil {
		f.enqueue(placed{Member: o.Turn.Next.Members[0], task: o.Turn.Next.Task}, killed)
	}
}

// inOrder is the promise: all of the key that were accepted before have ended.
func (f *fleet) inOrder(p placed) {
	if p.turn.Key == "" || f.alone[p.DeliveryID] {
		return
	}
	alone := [][16]byte{}
	for id := range f.alone {
		alone = append(alone, id)
	}
	if n := query[int](f.stage, `SELECT count(*) FROM deliveries WHERE endpoint_id = $1 AND ordering_key = $2 AND ordering_seq < $3
		AND status = 'pending' AND NOT id = ANY($4::uuid[])`, pg(f.end), p.turn.Key, p.turn.Seq, alone); n > 0 {
		f.r.Fatalf("%s is sent, and %d before it are pending", p.DeliveryID, n)
	}
}

// recover finds what died, and feed takes what nobody has.
func (f *fleet) recover(*rapid.T) {
	var chunks []webhook.Chunk
	for _, p := range f.dead {
		chunks = append(chunks, webhook.Chunk{Task: p.task, Members: []webhook.Member{p.Member}})
	}
	f.dead = nil
	feed := postgres.NewFeed(f.db)
	f.ok(feed.Release(context.Background(), chunks))
	fed, _, err := feed.Claim(context.Background(), turns.Room{Live: 1000, Bulk: 1000}, time.Now())
	f.ok(err)
	for _, c := range fed {
		for _, m := range c.Members {
			f.enqueue(placed{Member: m, task: c.Task}, false)
		}
	}
}

// any is a delivery in one of the states.
func (f *fleet) any(condition string) (m webhook.Member, ok bool) {
	ids := query[[][16]byte](f.stage, "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM deliveries WHERE endpoint_id = $1 AND "+condition, pg(f.end))
	if len(ids) == 0 {
		return m, false
	}
	id := rapid.SampledFrom(ids).Draw(f.r, "delivery")
	return webhook.Member{DeliveryID: id, EndpointID: f.end, WorkspaceID: "w"}, true
}

func (f *fleet) cancel(*rapid.T) {
	m, ok := f.any("status = 'pending'")
	if !ok {
		return
	}
	_, err := postgres.NewDeliveries(f.db).Cancel(context.Background(), "w", m.DeliveryID)
	f.ok(err)
	delete(f.alone, m.DeliveryID)
}

func (f *fleet) retry(*rapid.T) {
	m, ok := f.any("status IN ('failed', 'canceled')")
	if !ok {
		return
	}
	d, err := postgres.NewDeliveries(f.db).Retry(context.Background(), "w", m.DeliveryID)
	f.ok(err)
	if d.OrderingKey != "" && d.HeldReason != webhook.HeldOrdering {
		f.alone[m.DeliveryID] = true
	}
}

func (f *fleet) sweep(*rapid.T) {
	out, err := postgres.NewOrdering(f.db).Sweep(context.Background(), webhook.Line{}, 100)
	f.ok(err)
	if out.Passed > 0 {
		f.r.Fatalf("the sweep passed %d turns that nobody had", out.Passed)
	}
}

// time passes for what follows a canceled request.
func (f *fleet) time(*rapid.T) {
	f.exec("UPDATE deliveries SET next_attempt_at = now() WHERE endpoint_id = $1 AND status = 'pending' AND next_attempt_at > now()", pg(f.end))
}

// drain delivers what is left, without the sweep: no turn may get lost.
func (f *fleet) drain() {
	for range 200 {
		f.time(f.r)
		f.recover(f.r)
		if len(f.redis) == 0 {
			break
		}
		work := f.redis
		f.redis = nil
		for _, p := range work {
			f.attempt(p, "drain")
		}
	}
	if n := query[int](f.stage, "SELECT count(*) FROM deliveries WHERE endpoint_id = $1 AND status = 'pending'", pg(f.end)); n > 0 {
		f.r.Fatalf("%d are pending for ever", n)
	}
	if n := query[int](f.stage, "SELECT count(*) FROM ordering_queue WHERE endpoint_id = $1", pg(f.end)); n > 0 {
		f.r.Fatalf("%d are in line for ever", n)
	}
	if n := query[int](f.stage, "SELECT count(*) FROM ordering_keys WHERE endpoint_id = $1 AND head_seq IS NOT NULL", pg(f.end)); n > 0 {
		f.r.Fatalf("%d keys have a head that has ended", n)
	}
}

// However accepts, outcomes, cancels, retries and kills come about, each key's
// deliveries are sent in the order of acceptance, and every one of them ends.
func TestOrderingProperty(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.open(oneKey)
	total := 0
	rapid.Check(t, func(r *rapid.T) {
		f := &fleet{stage: s, r: r, other: other, end: s.endpoint("w").ID, alone: make(map[webhook.ID]bool)}
		r.Repeat(map[string]func(*rapid.T){
			"accept": f.accept, "work": f.work, "work more": f.work, "work on": f.work, "recover": f.recover,
			"cancel": f.cancel, "retry": f.retry, "sweep": f.sweep, "time": f.time,
		})
		f.drain()
		total += f.sent
	})
	if total < 200 {
		t.Errorf("only %d requests were made", total)
	}
}
