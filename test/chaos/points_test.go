package chaos

import (
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// chosenPoints are kills between two steps that belong together.
func chosenPoints() []fault {
	return []fault{
		{"api-committed", "all APIs killed after the commit, before Redis hears of it", 1, func(t *testing.T, l *lab) {
			l.toRedis.Freeze()
			defer l.toRedis.Thaw()
			before := l.load.count()
			stack.Eventually(t, "the APIs go on accepting", func() bool { return l.load.count() >= before+20 })
			l.killAll(t, "api")
		}},
		{"worker-answered", "all workers killed right after a receiver's answer", 5, func(t *testing.T, l *lab) {
			for range 5 {
				answered, killed := make(chan struct{}), make(chan struct{})
				l.receiver.onAnswer(func() { close(answered); <-killed })
				<-answered
				l.killAll(t, "worker")
				close(killed)
				pass(time.Second)
			}
		}},
		{"worker-unrecorded", "all workers killed while nothing can be recorded", 1, func(t *testing.T, l *lab) {
			l.toPostgres.Freeze()
			defer l.toPostgres.Thaw()
			pass(500 * time.Millisecond)
			l.killAll(t, "worker")
		}},
		{"group-commit", "all APIs killed in the middle of a group commit", 5, func(t *testing.T, l *lab) {
			for range 5 {
				l.toPostgres.Freeze()
				pass(time.Duration(20+l.random.IntN(200)) * time.Millisecond)
				l.killAll(t, "api")
				l.toPostgres.Thaw()
				l.waitReady(t)
			}
		}},
	}
}
