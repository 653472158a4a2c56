package outbox

import (
	"slices"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// TestKill kills relays and producers with kill -9, with a real Postrider.
func TestKill(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	s.Scheduler(t)
	receiver := stack.NewReceiver(t)

	for name, at := range map[string]step{
		"WithTheLease":                         stepLeads,
		"BeforeTheRequest":                     stepRead,
		"BetweenTheAnswerAndTheDelete":         stepAnswered,
		"BetweenTheRefusedAndTheRestOfABatch":  stepSetAside,
		"AfterTheDelete":                       stepRemoved,
		"InEveryBatchBetweenAnswerAndDeletion": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, s, api, receiver)
			committed := l.produce(t)
			kills := []int{1, 2}
			switch at {
			case stepLeads, stepSetAside:
				kills = []int{1}
			case "":
				at, kills = stepAnswered, slices.Repeat([]int{1}, 4)
			}
			for _, nth := range kills {
				p := l.relay(t, l.api, at, nth)
				waitHalted(t, p)
				p.Kill(t)
			}
			l.relay(t, l.api, "", 0)
			l.wantAllOnce(t, committed)
			l.wantRefused(t, rejected)
		})
	}

	for name, forward := range map[string]bool{"InARequestThatPostriderNeverGets": false, "InARequestWhoseAnswerGetsLost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, s, api, receiver)
			committed := l.produce(t)
			for range 3 {
				between, halted := newBetween(t, l.api, forward)
				p := l.relay(t, between, "", 0)
				<-halted
				p.Kill(t)
			}
			l.relay(t, l.api, "", 0)
			l.wantAllOnce(t, committed)
			l.wantRefused(t, rejected)
		})
	}

	t.Run("OfAProducerBeforeItsCommitSendsNothing", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, s, api, receiver)
		for at, id := range map[string]string{"": "not-committed", "committed": "committed"} {
			p := l.spawn(t, "producer", l.api, at, "OUTBOX_EVENT="+id)
			waitHalted(t, p)
			p.Kill(t)
		}
		// The killed one's locks are gone with its transaction.
		last := dispatched(t, l.pool, "last")
		l.relay(t, l.api, "", 0)
		l.wantAllOnce(t, []string{"committed", last})
		if posts := count(t, l.pool, "posts"); posts != 1 {
			t.Errorf("%d posts are there, want that of the committed transaction alone", posts)
		}
	})

	t.Run("OfOneOfTwoRelaysWhileOthersPublish", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, s, api, receiver)
		first, second := l.relay(t, l.api, "", 0), l.relay(t, l.api, "", 0)
		committed := l.produce(t, func(n int) {
			if n%3 == 2 {
				first.Kill(t)
				first, second = second, l.relay(t, l.api, "", 0)
			}
		})
		l.wantAllOnce(t, committed)
		l.wantRefused(t, rejected)
	})
}
