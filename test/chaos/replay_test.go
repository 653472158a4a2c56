package chaos

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/test/e2e/stack"
)

// replayed is how many deliveries the replay makes: several of its steps.
const replayed = 4000

// replayKilled kills who runs a replay, and who delivers what it makes. It checks
// the replay itself, in a workspace of its own.
func replayKilled() fault {
	const times = 6
	return fault{"replay-killed", "scheduler or worker killed in the middle of a replay", times, func(t *testing.T, l *lab) {
		api, r := l.of("api")[0], stack.NewReceiver(t)
		c := l.Workspace(t, api)
		r.Script("/", stack.Times(replayed, stack.Status(http.StatusInternalServerError))...)
		e := c.Endpoint(t, r, "/", stack.Settings{"retry_schedule": []int{}})
		var events []string
		for range replayed / 500 {
			events = append(events, c.PublishBatch(t, "post.created", 500)...)
		}
		c.WaitSettled(t)
		var started struct {
			ID          string
			Total, Done int
			Status      string
		}
		in := stack.Settings{"since": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
		c.Call(t, http.MethodPost, "/v1/endpoints/"+e.ID+"/replay", in, http.StatusAccepted, &started)
		for i := range times {
			l.killOne(t, []string{"scheduler", "worker"}[i%2])
		}
		path := "/v1/replays/" + started.ID
		stack.Eventually(t, "the replay is done", func() bool {
			c.Call(t, http.MethodGet, path, nil, http.StatusOK, &started)
			return started.Status == "done"
		})
		c.WaitSettled(t)
		if started.Total != replayed || started.Done != replayed {
			t.Errorf("the replay says %+v, want %d", started, replayed)
		}
		const sql = `SELECT concat_ws(' ', count(*), count(DISTINCT event_id), count(*) FILTER (WHERE status = 'success'))
			FROM deliveries WHERE endpoint_id = (SELECT id FROM endpoints WHERE url = $1) AND replay_id IS NOT NULL`
		got, want := query(t, l, pgx.RowTo[string], sql, r.URL+"/")[0], fmt.Sprintf("%d %[1]d %[1]d", replayed)
		if got != want {
			t.Errorf("the replay made deliveries, of events, successes: %s, want %s", got, want)
		}
		for _, id := range events {
			if r.Count(id, "/") < 2 {
				t.Errorf("LOST: %s did not arrive again", id)
			}
		}
	}}
}
