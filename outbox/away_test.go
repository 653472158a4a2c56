package outbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

// TestAway: what is no refusal of an event is waited out, and nothing passes it.
func TestAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]error{
		"Unavailable":     &client.Error{Status: 503, Code: client.CodeUnavailable},
		"Busy":            &client.Error{Status: 429, Code: client.CodeRateLimited, RetryAfter: time.Millisecond},
		"RevokedKey":      &client.Error{Status: 401, Code: client.CodeUnauthorized},
		"WrongURL":        &client.Error{Status: 404, Code: client.CodeNotFound},
		"AnotherServer":   &client.Error{Status: 422},
		"AnotherServer's": &client.Error{Status: 400},
		"Broken":          &client.Error{Status: 500, Code: client.CodeInternal},
		"NoConnection":    errors.New("connection refused"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, to, said := setup(t), newAPI(), newLog()
			left := 3
			to.answers(func([]client.NewEvent) error {
				if left--; left >= 0 {
					return away
				}
				return nil
			})
			commit(t, pool, "a", "b")
			run(t, pool, to, Config{BatchSize: 1, Logger: said.logger()})
			waitEmpty(t, pool)
			to.wantIDs(t, "a", "b")
			want := [][]string{{"a"}, {"a"}, {"a"}, {"a"}, {"b"}}
			if !slices.EqualFunc(to.batches, want, slices.Equal[[]string]) {
				t.Errorf("the requests were %v, want %v", to.batches, want)
			}
			if n := strings.Count(said.String(), "nothing is sent until this is over"); n != 1 {
				t.Errorf("the outage is logged %d times", n)
			}
		})
	}
}
