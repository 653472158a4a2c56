package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// backup is a service whose Postgres is copied while events are published, and lost.
type backup struct {
	service
	pg        *stack.Postgres
	processes []*stack.Process
	gate      *stack.Gate
}

func newBackup(t *testing.T, settings map[string]string) *backup {
	t.Helper()
	b := &backup{pg: stack.NewPostgresWith(t, settings), gate: stack.NewGate(t)}
	b.service = service{Stack: stack.On(t, b.pg.URL), r: stack.NewReceiver(t)}
	b.begin(t)
	b.c = b.Workspace(t, b.api)
	b.c.Endpoint(t, b.r, "/", stack.Settings{"events": []string{"post.created"}})
	b.c.Endpoint(t, b.r, "/hangs", stack.Settings{"events": []string{"hangs"}, "timeout": 60})
	b.r.Script("/hangs", stack.Times(1000, stack.Hang(b.gate))...)
	return b
}

func (b *backup) begin(t *testing.T) {
	t.Helper()
	b.api = b.API(t)
	b.processes = []*stack.Process{b.api, b.Worker(t), b.Scheduler(t)}
}

// publishing publishes batches until it is ended, and returns what was accepted.
func (b *backup) publishing(t *testing.T) (end func() []string) {
	var accepted []string
	var wg sync.WaitGroup
	quit := make(chan struct{})
	once := sync.OnceFunc(func() { close(quit) })
	t.Cleanup(once)
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			ids, err := b.c.TryBatch(t, "post.created", 10)
			if err != nil {
				t.Error(err)
				return
			}
			accepted = append(accepted, ids...)
		}
	})
	return func() []string {
		once()
		wg.Wait()
		return accepted
	}
}

// hang publishes events whose requests hang, and waits until they are being made.
func (b *backup) hang(t *testing.T, n int) []string {
	t.Helper()
	ids := b.c.PublishBatch(t, "hangs", n)
	stack.Eventually(t, fmt.Sprintf("%d requests hang", n), func() bool { return b.gate.Waiting() == n })
	return ids
}

// lose lets everything finish, then ends all programs and Postgres.
func (b *backup) lose(t *testing.T) {
	t.Helper()
	b.gate.Open()
	b.c.WaitSettled(t)
	for _, p := range b.processes {
		p.Terminate(t)
	}
	b.pg.Stop(t)
}

// resume starts everything on another server, with an empty Redis, and waits until
// nothing is pending any more.
func (b *backup) resume(t *testing.T, on *stack.Postgres) {
	t.Helper()
	if err := b.Redis.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Env = append(b.Env, "POSTRIDER_POSTGRES_URL="+on.URL)
	b.begin(t)
	b.c = b.c.At(b.api)
	b.c.WaitSettled(t)
}

// kept tells which of the events the restored Postgres has.
func (b *backup) kept(t *testing.T, events []string) (kept, gone []string) {
	t.Helper()
	for _, id := range events {
		switch a := b.c.Do(t, http.MethodGet, "/v1/events/"+id, nil); a.Status {
		case http.StatusOK:
			kept = append(kept, id)
		case http.StatusNotFound:
			gone = append(gone, id)
		default:
			t.Fatalf("event %s: %s", id, a)
		}
	}
	return kept, gone
}

// wantAgain checks that each of the events, which had been delivered, was delivered
// once more, as the same delivery.
func (b *backup) wantAgain(t *testing.T, path string, events []string) {
	t.Helper()
	deliveries := map[string][]string{}
	for _, a := range b.r.Arrivals(path) {
		deliveries[a.Event] = append(deliveries[a.Event], a.Delivery)
	}
	for _, id := range events {
		if d := deliveries[id]; len(d) != 2 || d[0] != d[1] {
			t.Errorf("%s arrived as the deliveries %v, want one twice", id, d)
		}
	}
}

// TestBackup goes the ways of docs/backup.md.
func TestBackup(t *testing.T) {
	t.Parallel()

	t.Run("OfTheFilesAndTheLogGoesBackToAMoment", func(t *testing.T) {
		t.Parallel()
		archive, settings := stack.Archive(t)
		b := newBackup(t, settings)
		end := b.publishing(t)
		dir := b.pg.BaseBackup(t)
		before := end()
		b.r.WaitFor(t, "/", before...)
		b.c.WaitSettled(t)
		hanging := b.hang(t, 5)
		b.pg.RestorePoint(t, "before_the_mistake")
		after := b.c.PublishBatch(t, "post.created", 20)
		b.r.WaitFor(t, "/", after...)
		b.lose(t)

		b.resume(t, b.pg.Recover(t, dir, archive, "before_the_mistake"))
		if _, gone := b.kept(t, slices.Concat(before, hanging)); len(gone) > 0 {
			t.Errorf("%d events from before the restore point are gone: %v", len(gone), gone[:1])
		}
		if kept, _ := b.kept(t, after); len(kept) > 0 {
			t.Errorf("%d events from after the restore point are there", len(kept))
		}
		b.r.WantOnce(t, "/", slices.Concat(before, after)...) // what was recorded is not sent again
		b.wantAgain(t, "/hangs", hanging)
		again := b.c.PublishBatch(t, "post.created", 20)
		b.r.WaitFor(t, "/", again...)
		b.c.WaitSettled(t)
		wantNumbered(t, setting(b.Stack, "POSTRIDER_POSTGRES_URL"))
	})

	t.Run("ByPgDumpIsOfTheMomentItBegan", func(t *testing.T) {
		t.Parallel()
		b := newBackup(t, nil)
		hanging := b.hang(t, 5)
		end := b.publishing(t)
		dump := b.pg.Dump(t)
		published := end()
		b.r.WaitFor(t, "/", published...)
		b.lose(t)

		b.resume(t, b.pg.Restore(t, dump))
		kept, gone := b.kept(t, published)
		t.Logf("%d events were published, the dump has %d of them", len(published), len(kept))
		if len(kept) == 0 && len(gone) == 0 {
			t.Error("nothing was published meanwhile")
		}
		if _, gone := b.kept(t, hanging); len(gone) > 0 {
			t.Errorf("%d events from before the dump are gone", len(gone))
		}
		b.r.WaitFor(t, "/", kept...)
		b.wantAgain(t, "/hangs", hanging)
		again := b.c.PublishBatch(t, "post.created", 20)
		b.r.WaitFor(t, "/", again...)
		b.c.WaitSettled(t)
		wantNumbered(t, setting(b.Stack, "POSTRIDER_POSTGRES_URL"))
	})
}
