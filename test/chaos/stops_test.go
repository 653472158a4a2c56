package chaos

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	workerLease = 30 * time.Second // asynq's, of a task
	leaderLease = 6 * time.Second
)

// stops are processes that end or stand still.
func stops() []fault {
	return []fault{
		{"workers-killed", "all workers killed, none for 3 s", 1, func(t *testing.T, l *lab) {
			for _, p := range l.of("worker") {
				p.Kill(t)
			}
			pass(3 * time.Second)
			for i := range fleetSize {
				l.replace(t, "worker", i)
			}
		}},
		{"worker-held", "worker killed with 20 requests in flight", 1, func(t *testing.T, l *lab) {
			release := l.receiver.hold()
			defer release()
			stack.Eventually(t, "requests are being made", func() bool { return l.receiver.holding() >= 20 })
			l.of("worker")[0].Kill(t)
			l.replace(t, "worker", 0)
		}},
		{"worker-stopped", "worker stopped for longer than its tasks' lease (35 s)", 1, func(t *testing.T, l *lab) {
			stopped(t, l.of("worker")[0], workerLease+5*time.Second)
		}},
		{"leader-stopped", "leading scheduler stopped for longer than its lease (10 s)", 1, func(t *testing.T, l *lab) {
			stopped(t, l.leader(t), leaderLease+4*time.Second)
		}},
	}
}

func stopped(t *testing.T, p *stack.Process, d time.Duration) {
	t.Helper()
	p.Signal(t, syscall.SIGSTOP)
	pass(d)
	p.Signal(t, syscall.SIGCONT)
}

// leader is the scheduler that says it leads.
func (l *lab) leader(t *testing.T) (p *stack.Process) {
	t.Helper()
	stack.Eventually(t, "a scheduler leads", func() bool {
		all := l.of("scheduler")
		i := slices.IndexFunc(all, func(p *stack.Process) bool { return l.Metric(t, p, "postrider_recovery_leader") == 1 })
		if i >= 0 {
			p = all[i]
		}
		return i >= 0
	})
	return p
}
