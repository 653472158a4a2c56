package postgres_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// What is recorded depends neither on how pgx sends it nor on how large it is, also where
// others send, by another connection, what goes into memory that was just used for this.
func TestRecordInEveryModeOfPgx(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			db, err := postgres.Open(t.Context(), postgres.Config{URL: s.url + "&default_query_exec_mode=" + mode, MaxConns: 3})
			must(t, err)
			t.Cleanup(db.Close)
			var wg sync.WaitGroup
			for part := range slices.Chunk(sized(s, 240), 80) {
				wg.Go(func() {
					for len(part) > 0 {
						n := min(1+len(part)%3*8, len(part)) // one alone is sent at once with what pgx begins with
						if _, err := s.deliver(db).Record(t.Context(), part[:n]); err != nil {
							t.Error(err)
						}
						part = part[n:]
					}
				})
			}
			wg.Wait()
			s.holds(`SELECT count(*) = 240 AND bool_and(response_body = convert_to(repeat(lpad(duration_us::text, 6, '0'), number_of), 'UTF8'))
				FROM (SELECT *, (duration_us % 40 * (duration_us % 3))::int AS number_of FROM attempts) a`)
			s.holds("SELECT count(*) = 240 FROM deliveries WHERE status = 'success'")
		})
	}
}

// sized are so many outcomes whose answers, none to 500 bytes, are made of how long they took.
func sized(s *stage, n int) (outcomes []webhook.Outcome) {
	for us := range n {
		o := outcome(s.pending(0, "c_1"), "c_1", 0, 200)
		o.Attempt.Duration = time.Duration(us) * time.Microsecond
		o.Attempt.ResponseBody = bytes.Repeat(fmt.Appendf(nil, "%06d", us), us%40*(us%3))
		outcomes = append(outcomes, o)
	}
	return outcomes
}
