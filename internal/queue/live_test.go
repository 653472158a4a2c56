package queue

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// tells starts a sender that knows who watches, and returns what is told to who
// watches workspace w.
func (k *kit) tells() (s *LiveSender, told chan webhook.LiveAttempts) {
	k.t.Helper()
	s, told = NewLiveSender(k.redis, nil), make(chan webhook.LiveAttempts, 100)
	ctx, cancel := context.WithCancel(k.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		NewLiveWatch(k.redis, nil).Watch(ctx, "w", func(b webhook.LiveAttempts) { told <- b })
	}()
	s.Start()
	k.t.Cleanup(func() {
		s.Stop()
		cancel()
		<-done
	})
	return s, told
}

// until asks again and again.
func (k *kit) until(claim string, ok func() bool) {
	k.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			k.t.Fatalf("it never came to be that %s", claim)
		}
	}
}

func liveOne(n int) webhook.LiveAttempt {
	now := time.Date(2024, 1, 15, 10, 30, 0, 5, time.UTC)
	return webhook.LiveAttempt{
		ID: webhook.NewID(now), DeliveryID: webhook.NewID(now), EndpointID: webhook.NewID(now), EventID: "evt", EventType: "post.created",
		Number: n, StartedAt: now, Duration: 12 * time.Millisecond, StatusCode: 500, Error: "answered 500", ErrorClass: webhook.ClassStatus,
		Status: webhook.StatusPending, NextAttemptAt: now.Add(time.Minute),
	}
}

func TestLive(t *testing.T) {
	t.Parallel()

	on(t, "TellsWhoWatchesAndKnowsWhoDoes", func(t *testing.T, k *kit) {
		s, told := k.tells()
		k.until("w is watched", func() bool { return s.Watched("w") })
		if s.Watched("other") {
			t.Error("a workspace that nobody watches is watched")
		}
		want := liveOne(3)
		s.Tell("other", liveOne(1))
		s.Tell("w", want)
		if got := <-told; got.LeftOut != 0 || len(got.Attempts) != 1 || !reflect.DeepEqual(got.Attempts[0], want) {
			t.Errorf("told %+v, want %+v", got, want)
		}
	})

	on(t, "TellsNobodyAnyMoreOnceNobodyWatches", func(t *testing.T, k *kit) {
		s := NewLiveSender(k.redis, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			NewLiveWatch(k.redis, nil).Watch(ctx, "w", func(webhook.LiveAttempts) {})
		}()
		s.Start()
		t.Cleanup(s.Stop)
		k.until("w is watched", func() bool { return s.Watched("w") })
		cancel()
		<-done
		k.until("w is not watched", func() bool { return !s.Watched("w") })
	})

	t.Run("SaysHowManyThereWasNoRoomFor", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, k *kit) {
			s := NewLiveSender(k.redis, nil)
			for n := range maxLiveWaiting + 7 {
				s.Tell("w", liveOne(n))
			}
			told, left := 0, 0
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			batches := make(chan webhook.LiveAttempts, 100)
			go NewLiveWatch(k.redis, nil).Watch(ctx, "w", func(b webhook.LiveAttempts) { batches <- b })
			k.until("somebody listens", func() bool {
				c, err := k.redis.channels(t.Context(), livePrefix+"*")
				return err == nil && len(c) == 1
			})
			s.Start()
			defer s.Stop()
			for told < maxLiveWaiting {
				b := <-batches
				told, left = told+len(b.Attempts), left+b.LeftOut
			}
			if told != maxLiveWaiting || left != 7 {
				t.Errorf("told of %d, and that %d were left out", told, left)
			}
		})
	})

	t.Run("ComesBackWithRedisAndSaysThatItWasAway", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		s, told := k.tells()
		k.until("w is watched", func() bool { return s.Watched("w") })
		server.Stop()
		if b := <-told; !b.Broken {
			t.Errorf("told %+v", b)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		k.until("attempts are told again", func() bool {
			s.Tell("w", liveOne(1))
			select {
			case b := <-told:
				return len(b.Attempts) > 0
			default:
				return false
			}
		})
	})

	t.Run("PassesOverWhatItCantRead", func(t *testing.T) {
		t.Parallel()
		for _, raw := range []string{"", "{", `{"a":[{"id":"x"}]}`, `{"a":[{}]}`} {
			if _, err := decodeLive(raw); err == nil {
				t.Errorf("%q is read", raw)
			}
		}
	})
}
