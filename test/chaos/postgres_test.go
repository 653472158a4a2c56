package chaos

import (
	"testing"
	"time"
)

func postgresFaults() []fault {
	return []fault{
		{"postgres-restart", "Postgres restarted (fast)", 1, func(t *testing.T, l *lab) {
			l.postgres.Stop(t)
			l.postgres.Start(t)
		}},
		{"postgres-killed", "Postgres killed, and started again after 2 s", 1, func(t *testing.T, l *lab) {
			l.postgres.Kill(t)
			pass(2 * time.Second)
			l.postgres.Start(t)
		}},
	}
}
