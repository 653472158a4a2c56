package outbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
)

const batchSize = 6

// lab is a workspace of a real Postrider, its receiver, and a producer's database.
type lab struct {
	api      string
	caller   stack.Client
	client   *client.Client
	receiver *stack.Receiver
	path     string
	pool     *pgxpool.Pool
}

// newLab makes one in a stack that runs.
func newLab(t *testing.T, s *stack.Stack, api *stack.Process, r *stack.Receiver) *lab {
	t.Helper()
	c := s.Workspace(t, api)
	l := &lab{api: api.URL, caller: c, client: client.New(api.URL, c.Key()), receiver: r, path: "/" + path.Base(t.Name()), pool: setup(t)}
	c.Endpoint(t, r, l.path, nil)
	_, err := l.pool.Exec(t.Context(), "CREATE TABLE posts (id text PRIMARY KEY)")
	must(t, err)
	return l
}

// spawn starts one of TestMain's programs.
func (l *lab) spawn(t *testing.T, program, api, at string, more ...string) *stack.Process {
	t.Helper()
	env := append(stack.CleanEnv(), "OUTBOX_PROGRAM="+program, "OUTBOX_POSTGRES="+l.pool.Config().ConnString(),
		"OUTBOX_API="+api, "OUTBOX_KEY="+l.caller.Key(), "OUTBOX_STEP="+at)
	self, err := os.Executable()
	must(t, err)
	return stack.Spawn(t, program, t.TempDir(), append(env, more...), self)
}

// relay starts a relay that halts at the nth time of a step, or at none.
func (l *lab) relay(t *testing.T, api string, at step, nth int) *stack.Process {
	t.Helper()
	return l.spawn(t, "relay", api, string(at), "OUTBOX_NTH="+strconv.Itoa(nth))
}

func waitHalted(t *testing.T, p *stack.Process) {
	t.Helper()
	stack.Eventually(t, p.Name+" has halted", func() bool {
		if p.Ended() {
			t.Fatalf("%s has ended by itself: %s", p.Name, p.Said(t))
		}
		return strings.Contains(p.Said(t), "halted: ")
	})
}

const (
	keys     = 3
	perKey   = 10
	nobody   = "ep_01kqxg5wdgf0m8c4yb2h3t9v6z" // an endpoint that the workspace does not have
	rejected = "refused"
)

// produce commits events of several keys in turn, among them one that Postrider
// refuses, with as many transactions that roll back. In between it does what it is told.
func (l *lab) produce(t *testing.T, between ...func(n int)) (committed []string) {
	t.Helper()
	for n := range perKey {
		for _, do := range between {
			do(n)
		}
		for k := range keys {
			key := client.WithOrderingKey(fmt.Sprint(k))
			gone := begin(t, l.pool)
			dispatch(t, gone, fmt.Sprintf("gone-%d-%d", k, n), key)
			must(t, gone.Rollback(t.Context()))
			tx := begin(t, l.pool)
			committed = append(committed, dispatch(t, tx, fmt.Sprintf("key-%d-%02d", k, n), key))
			if n == 0 && k == 1 {
				dispatch(t, tx, rejected, client.WithEndpoints(nobody))
			}
			must(t, tx.Commit(t.Context()))
		}
	}
	return committed
}

// wantAllOnce waits for what was committed and looks at what came of it.
func (l *lab) wantAllOnce(t *testing.T, committed []string) {
	t.Helper()
	waitEmpty(t, l.pool)
	l.receiver.WaitFor(t, l.path, committed...)
	l.caller.WaitSettled(t)
	l.receiver.WantOnce(t, l.path, committed...)
	var accepted []string
	for e, err := range l.client.Events.All(context.Background(), client.EventFilter{}) {
		must(t, err)
		accepted = append(accepted, e.ID)
	}
	slices.Reverse(accepted) // they are listed the newest first
	if !slices.Equal(accepted, committed) {
		t.Errorf("accepted %v, want %v", accepted, committed)
	}
	arrived := map[string][]string{}
	for _, a := range l.receiver.Arrivals(l.path) {
		key, _, _ := strings.Cut(strings.TrimPrefix(a.Event, "key-"), "-")
		arrived[key] = append(arrived[key], a.Event)
	}
	for key, events := range arrived {
		if !slices.IsSorted(events) {
			t.Errorf("those of key %s arrived as %v", key, events)
		}
	}
}

func (l *lab) wantRefused(t *testing.T, want ...string) {
	t.Helper()
	failed, err := Failed(t.Context(), l.pool, 10)
	must(t, err)
	var got []string
	for _, f := range failed {
		got = append(got, f.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("set aside are %v, want %v", got, want)
	}
}

func dispatched(t *testing.T, pool *pgxpool.Pool, id string) string {
	t.Helper()
	commit(t, pool, id)
	return id
}

func count(t *testing.T, pool *pgxpool.Pool, table string) (n int) {
	t.Helper()
	must(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// newBetween stands before an API. Its second batch is kept from one side or the other:
// it is told to halted, and never answered.
func newBetween(t *testing.T, api string, forward bool) (base string, halted <-chan struct{}) {
	t.Helper()
	target, err := url.Parse(api)
	must(t, err)
	through := httputil.NewSingleHostReverseProxy(target)
	reached, batches := make(chan struct{}), atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if batches.Add(1) != 2 {
			through.ServeHTTP(w, r)
			return
		}
		if forward {
			through.ServeHTTP(httptest.NewRecorder(), r)
		} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		close(reached)
		<-r.Context().Done() // until the relay is gone
	}))
	t.Cleanup(srv.Close)
	return srv.URL, reached
}
