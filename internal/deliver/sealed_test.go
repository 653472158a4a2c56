package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// keyless are sources without the key of some endpoints.
type keyless struct {
	*memory
	lacks map[webhook.ID]bool
}

func (k keyless) Endpoints(ctx context.Context, ids []webhook.ID) (open []webhook.Endpoint, held map[webhook.ID]error, err error) {
	all, held, err := k.memory.Endpoints(ctx, ids)
	for _, e := range all {
		if !k.lacks[e.ID] {
			open = append(open, e)
			continue
		}
		if held == nil {
			held = make(map[webhook.ID]error)
		}
		held[e.ID] = errors.New("no key decrypts it")
	}
	return open, held, err
}

// wantSealed fails unless the check tells of so many endpoints, and of this one as
// the last.
func (w *world) wantSealed(t *testing.T, n int, last webhook.ID) {
	t.Helper()
	err := w.runner.CheckSecrets(t.Context())
	if n == 0 {
		if err != nil {
			t.Errorf("the check says %v", err)
		}
		return
	}
	for _, part := range []string{"secrets.key", fmt.Sprintf(" %d endpoints", n), last.Format(webhook.EndpointPrefix)} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the check says %v, without %q", err, part)
		}
	}
}

func TestCheckSecrets(t *testing.T) {
	t.Parallel()
	run := func(name string, test func(t *testing.T, w *world, lacks map[webhook.ID]bool)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacks := make(map[webhook.ID]bool)
			bubble(t, func(t *testing.T, w *world) { test(t, w, lacks) }, func(d *Deps, _ *Config) {
				d.Sources = keyless{d.Sources.(*memory), lacks}
			})
		})
	}

	run("FailsFromTheFirstThatCanNotBeDecryptedUntilTheLastCanBe", func(t *testing.T, w *world, lacks map[webhook.ID]bool) {
		one, two, open := w.endpoint(), w.endpoint(), w.endpoint()
		lacks[one], lacks[two] = true, true
		comes := func(to ...webhook.ID) {
			t.Helper()
			<-time.After(time.Second) // of two at one time neither is the last
			must(t, w.runner.Process(t.Context(), w.chunkFor(webhook.LaneDeliver, to...)))
		}
		comes(open)
		w.wantSealed(t, 0, open)
		comes(one, open)
		w.wantSealed(t, 1, one)
		comes(two)
		w.wantSealed(t, 2, two)
		comes(open) // which says nothing of the others
		w.wantSealed(t, 2, two)
		lacks[two] = false
		w.wantSealed(t, 2, two) // nobody has looked yet
		comes(two)
		w.wantSealed(t, 1, one)
		lacks[one] = false
		comes(one)
		w.wantSealed(t, 0, one)
	})

	run("ForgetsAnEndpointThatNoDeliveryCameByFor", func(t *testing.T, w *world, lacks map[webhook.ID]bool) {
		gone, stays := w.endpoint(), w.endpoint()
		lacks[gone], lacks[stays] = true, true
		must(t, w.runner.Process(t.Context(), w.chunkFor(webhook.LaneDeliver, gone, stays)))
		<-time.After(sealedDelay + time.Second)
		must(t, w.runner.Process(t.Context(), w.chunk(stays, 1)))
		<-time.After(sealedFor - sealedDelay - time.Second - 1)
		w.wantSealed(t, 2, stays)
		<-time.After(1)
		w.wantSealed(t, 1, stays)
		<-time.After(sealedFor)
		w.wantSealed(t, 0, stays)
	})

	run("RemembersSoManyAndNoMore", func(t *testing.T, w *world, _ map[webhook.ID]bool) {
		var last webhook.ID
		meet := func(id webhook.ID) {
			w.runner.sealed.saw(time.Now(), []webhook.Hold{{Delivery: webhook.Member{EndpointID: id}}}, nil)
		}
		for range maxSealed {
			last = webhook.NewID(time.Now())
			meet(last)
			<-time.After(1)
		}
		meet(webhook.NewID(time.Now()))
		w.wantSealed(t, maxSealed, last)
	})
}
