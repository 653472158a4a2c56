package recovery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestMain(m *testing.M) {
	// pgtest's server, if this process had to start one, ends with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/postrider/postrider/internal/local.(*Child).run"))
}

// stage is a database with one workspace, and what tests do to it.
type stage struct {
	t     *testing.T
	url   string
	db    *postgres.DB
	raw   *pgxpool.Pool
	queue *fakeQueue
	tasks *fakeTasks
}

func newStage(t *testing.T) *stage {
	t.Helper()
	url := pgtest.New(t)
	raw, err := pgxpool.New(t.Context(), url)
	must(t, err)
	t.Cleanup(raw.Close)
	s := &stage{t: t, url: url, db: open(t, url), raw: raw, queue: &fakeQueue{}, tasks: &fakeTasks{}}
	must(t, s.db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, -3), 5))
	s.exec("INSERT INTO workspaces (id, name) VALUES ('w', 'W')")
	return s
}

func open(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), postgres.Config{URL: url})
	must(t, err)
	t.Cleanup(db.Close)
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.raw.Exec(context.Background(), sql, args...)
	must(s.t, err)
}

func query[T any](s *stage, sql string, args ...any) T {
	s.t.Helper()
	rows, err := s.raw.Query(context.Background(), sql, args...)
	must(s.t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	must(s.t, err)
	return v
}

// endpoint inserts an active endpoint.
func (s *stage) endpoint() webhook.ID {
	s.t.Helper()
	id := webhook.NewID(time.Now())
	s.exec(`INSERT INTO endpoints (id, workspace_id, url, events, secret, version)
		VALUES ($1, 'w', 'https://example.com', '{*}', 'x', 1)`, uuid(id))
	return id
}

// delivery inserts a due one of today that nobody holds, changed by set, an
// SQL list of assignments.
func (s *stage) delivery(endpoint webhook.ID, set string) webhook.ID {
	s.t.Helper()
	return s.deliveryOf(time.Now(), endpoint, set)
}

func (s *stage) deliveryOf(at time.Time, endpoint webhook.ID, set string) webhook.ID {
	s.t.Helper()
	id := webhook.NewID(at)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		VALUES ($1, 'w', $2, $3, 'a.b', now() - interval '1 second')`, uuid(id), uuid(webhook.NewID(at)), uuid(endpoint))
	if set != "" {
		s.exec("UPDATE deliveries SET "+set+" WHERE id = $1", uuid(id))
	}
	return id
}

// many inserts n due deliveries of today at once.
func (s *stage) many(n int, set string) {
	s.t.Helper()
	s.backlog("w", 0, n, "1 hour")
	if set != "" {
		s.exec("UPDATE deliveries SET " + set)
	}
}

// backlog inserts n deliveries of a workspace, of that many days ago, of which the
// first has been due for that long and the others a millisecond less each.
func (s *stage) backlog(ws webhook.WorkspaceID, daysAgo, n int, due string) {
	s.t.Helper()
	first := webhook.NewID(time.Now().AddDate(0, 0, -daysAgo))
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		SELECT (substr($1::text, 1, 24) || lpad(to_hex(i), 12, '0'))::uuid, $2::text, gen_random_uuid(), gen_random_uuid(), 'a.b',
		       now() - $3::text::interval + i * interval '1 millisecond'
		FROM generate_series(1, $4::int) i`, uuid(first), string(ws), due, n)
}

func (s *stage) is(id webhook.ID, condition string) bool {
	s.t.Helper()
	return query[bool](s, "SELECT ("+condition+") IS TRUE FROM deliveries WHERE id = $1", uuid(id))
}

// wants fails the test for a delivery that is not as the claim says.
func (s *stage) wants(id webhook.ID, condition string) {
	s.t.Helper()
	if !s.is(id, condition) {
		s.t.Errorf("not so: %s; the row is %s", condition,
			query[string](s, "SELECT to_jsonb(d)::text FROM deliveries d WHERE id = $1", uuid(id)))
	}
}

func uuid(id webhook.ID) string {
	const hex = "0123456789abcdef"
	var out []byte
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hex[b>>4], hex[b&15])
	}
	return string(out)
}

func (s *stage) feed() *feed {
	return &feed{store: postgres.NewFeed(s.db), queue: s.queue, highWater: 2000, now: time.Now, metrics: newMetrics(nil)}
}

func (s *stage) audit() *audit {
	return &audit{store: postgres.NewAudit(s.db), tasks: s.tasks, metrics: newMetrics(nil)}
}

var errAway = errors.New("redis is away")

// fakeQueue is a Redis that keeps what it is told.
type fakeQueue struct {
	mu       sync.Mutex
	chunks   []webhook.Chunk
	backlog  int // tasks that wait in the lanes of what is live
	bulk     int // and in bulk
	away     bool
	refuse   bool
	breaks   bool // after the first of several
	enqueued func()
}

func (q *fakeQueue) Enqueue(_ context.Context, chunks []webhook.Chunk) (left []webhook.Chunk, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.enqueued != nil {
		q.enqueued()
	}
	switch {
	case q.away || q.refuse:
		return chunks, errAway
	case q.breaks && len(chunks) > 1:
		chunks, left, err = chunks[:1], chunks[1:], errAway
	}
	q.chunks = append(q.chunks, chunks...)
	for _, c := range chunks {
		if lane, _ := webhook.LaneOf(c.Task); lane == webhook.LaneBulk {
			q.bulk++
		} else {
			q.backlog++
		}
	}
	return left, err
}

func (q *fakeQueue) Waiting(context.Context) (map[webhook.Lane]int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return nil, errAway
	}
	return map[webhook.Lane]int{webhook.LaneDeliver: q.backlog - q.backlog/2, webhook.LaneRetry: q.backlog / 2, webhook.LaneBulk: q.bulk}, nil
}

// task is the task that carries the delivery, or "".
func (q *fakeQueue) task(id webhook.ID) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.chunks {
		if slices.ContainsFunc(c.Members, func(m webhook.Member) bool { return m.DeliveryID == id }) {
			return c.Task
		}
	}
	return ""
}

// fakeTasks knows the living; asked is called before it answers.
type fakeTasks struct {
	all    bool // every task is alive
	alive  []string
	away   bool
	asked  func()
	leases map[string]int64
	run    []webhook.Chunk // what workers run

	mu        sync.Mutex
	forgotten []string
}

func (f *fakeTasks) Forget(_ context.Context, tasks []string) error {
	if f.away && len(tasks) > 0 {
		return errAway
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgotten = append(f.forgotten, tasks...)
	return nil
}

func (f *fakeTasks) Leases(context.Context) (map[string]int64, error) {
	if f.away {
		return nil, errAway
	}
	return f.leases, nil
}

func (f *fakeTasks) Running(_ context.Context, tasks []string) ([]webhook.Chunk, error) {
	if f.asked != nil {
		f.asked()
	}
	return slices.DeleteFunc(slices.Clone(f.run), func(c webhook.Chunk) bool { return !slices.Contains(tasks, c.Task) }), nil
}

func (f *fakeTasks) Dead(_ context.Context, tasks []string) ([]string, error) {
	if f.asked != nil {
		f.asked()
	}
	if f.away {
		return nil, errAway
	}
	if f.all {
		return nil, nil
	}
	return slices.DeleteFunc(slices.Clone(tasks), func(task string) bool { return slices.Contains(f.alive, task) }), nil
}
