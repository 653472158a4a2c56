package postgres_test

import (
	"bytes"
	"testing"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// What is recorded does not depend on how pgx sends it, nor on how large it is.
func TestRecordInEveryModeOfPgx(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			db, err := postgres.Open(t.Context(), postgres.Config{URL: s.url + "&default_query_exec_mode=" + mode})
			must(t, err)
			t.Cleanup(db.Close)
			var outcomes []webhook.Outcome
			for n := range 40 {
				o := outcome(s.pending(0, "c_1"), "c_1", 0, 200)
				o.Attempt.ResponseBody = bytes.Repeat([]byte{byte('a' + n%26)}, n*n)
				outcomes = append(outcomes, o)
			}
			s.records(db, outcomes, true)
			s.holds("SELECT count(*) = 40 AND sum(length(response_body)) = 20540 FROM attempts")
			s.holds("SELECT count(*) = 40 FROM deliveries WHERE status = 'success'")
		})
	}
}
