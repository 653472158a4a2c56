package chaos

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	fleetSize   = 2 // processes of each role
	concurrency = 64
	members     = 50 // of a full task
)

// lab is the system under test: two processes of each role, which reach Postgres
// and Redis through proxies.
type lab struct {
	*stack.Stack
	postgres            *stack.Postgres
	toPostgres, toRedis *stack.Proxy
	receiver            *receiver
	random              *rand.Rand
	rounds              int
	load                *load // the present round's
	notes               []string

	mu    sync.Mutex
	fleet map[string][]*stack.Process
}

var roles = []string{"api", "worker", "scheduler"}

func setup(t *testing.T) *lab {
	t.Helper()
	pg := stack.NewPostgres(t)
	toPostgres, url := stack.PostgresProxy(t, pg.URL)
	l := &lab{
		Stack: stack.On(t, url), postgres: pg, toPostgres: toPostgres, receiver: newReceiver(t),
		random: rand.New(rand.NewPCG(*seed, 0)), fleet: map[string][]*stack.Process{},
	}
	l.toRedis = stack.NewProxy(t, "tcp", l.Redis.Addr())
	l.Env = append(l.Env, "POSTRIDER_REDIS_URL=redis://"+l.toRedis.Addr()+"/0",
		"POSTRIDER_WORKER_CONCURRENCY="+strconv.Itoa(concurrency), "POSTRIDER_LOG_LEVEL=warn")
	for _, role := range roles {
		for range fleetSize {
			l.fleet[role] = append(l.fleet[role], l.Launch(t, role))
		}
	}
	l.waitReady(t)
	return l
}

// of is the fleet's processes of a role.
func (l *lab) of(role string) []*stack.Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.fleet[role])
}

func (l *lab) waitReady(t *testing.T) {
	t.Helper()
	for _, role := range roles {
		for _, p := range l.of(role) {
			l.WaitReady(t, p)
		}
	}
}

// replace starts a process in the place of one that was killed.
func (l *lab) replace(t *testing.T, role string, i int) {
	t.Helper()
	p := l.Launch(t, role)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fleet[role][i] = p
}

// inFlight is how many requests the workers say that they make.
func (l *lab) inFlight(t *testing.T) (n int) {
	t.Helper()
	for _, p := range l.of("worker") {
		n += int(l.Metric(t, p, "postrider_deliver_in_flight"))
	}
	return n
}

// tenant is a workspace of one round, with two endpoints that want everything.
func (l *lab) tenant(t *testing.T, round int) (id string, c stack.Client) {
	t.Helper()
	id, api := "round-"+strconv.Itoa(round), l.of("api")[0]
	l.Admin(api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": id, "name": id}, http.StatusCreated, nil)
	c = l.Client(api, l.NewKey(t, api, id).Key)
	for _, path := range paths(round) {
		in := map[string]any{"url": l.receiver.url + path, "events": []string{"*"}, "retry_schedule": []int{1, 1, 1, 1, 2, 5, 10}}
		var e stack.Endpoint
		c.Call(t, http.MethodPost, "/v1/endpoints", in, http.StatusCreated, &e)
		l.receiver.knows(path, e.Secret)
	}
	return id, c
}

func paths(round int) []string {
	base := "/" + strconv.Itoa(round)
	return []string{base + "/a", base + "/b"}
}

// query runs a statement next to the proxy and collects its rows.
func query[T any](t *testing.T, l *lab, collect pgx.RowToFunc[T], sql string, args ...any) []T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), l.postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, collect)
	if err != nil {
		t.Fatalf("%s: %v", strings.TrimSpace(sql), err)
	}
	return all
}

// pass lets the load go on for a while: how long a fault lasts is what it is.
func pass(d time.Duration) { <-time.After(d) }
