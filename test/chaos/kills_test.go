package chaos

import (
	"testing"
	"time"
)

// killRounds spreads n kills over the roles, in rounds of each role; a few are
// one round of random roles.
func killRounds(n int) (rounds []fault) {
	const few, perRound = 12, 8
	if n <= 0 {
		return nil
	}
	if n <= few {
		return []fault{{"kill-any", "`SIGKILL` of any process", n, func(t *testing.T, l *lab) {
			for range n {
				l.killOne(t, roles[l.random.IntN(len(roles))])
			}
		}}}
	}
	for i, role := range roles {
		left := n / len(roles)
		if i < n%len(roles) {
			left++
		}
		size := max(perRound, left/10)
		for ; left > 0; left -= size {
			times := min(size, left)
			rounds = append(rounds, fault{"kill-" + role, "`SIGKILL` of one " + role, times, func(t *testing.T, l *lab) {
				for range times {
					l.killOne(t, role)
				}
			}})
		}
	}
	return rounds
}

// killOne kills a process at a random moment and starts another in its place,
// which may be killed before it is ready.
func (l *lab) killOne(t *testing.T, role string) {
	t.Helper()
	pass(time.Duration(100+l.random.IntN(900)) * time.Millisecond)
	i := l.random.IntN(fleetSize)
	l.of(role)[i].Kill(t)
	l.replace(t, role, i)
}

// killAll kills all of a role at once and starts as many.
func (l *lab) killAll(t *testing.T, role string) {
	t.Helper()
	for i, p := range l.of(role) {
		p.Kill(t)
		defer l.replace(t, role, i)
	}
}
