package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBatcherTakesOut(t *testing.T) {
	t.Parallel()

	inTime(t, "WhatIsRefusedAndSendsTheOthersAgain", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 5})
		b.dispatch(t, "a", 1)
		b.dispatch(t, "bad", 2)
		b.dispatch(t, "a", 3)
		b.dispatch(t, "bad", 4)
		b.dispatch(t, "a", 5)
		b.sees(t, "[[1 2 3 4 5] [1 3 5]]")
		want := []string{
			`{"n":2}: client: publishEvents: 422 invalid: no; /type is bad;  is no good`,
			`{"n":4}: client: publishEvents: 422 invalid: no; /type is bad;  is no good`,
		}
		if !reflect.DeepEqual(b.failed, want) {
			t.Errorf("got %q", b.failed)
		}
		if b.intake.keys[0] == b.intake.keys[1] {
			t.Error("two requests have one key")
		}
		if err := b.Flush(t.Context()); CodeOf(err) != CodeInvalid {
			t.Errorf("Flush says %v", err)
		}
		if err := b.Flush(t.Context()); err != nil {
			t.Errorf("Flush says it twice: %v", err)
		}
	})

	// A proxy in front may take less than the API, and names nothing.
	inTime(t, "ByHalvesWhatNobodyNames", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 4})
		b.intake.answer = func(_ int, events []sent) *step {
			for _, e := range events {
				if len(events) > 2 || e.Type == "bad" {
					return &step{status: http.StatusRequestEntityTooLarge, header: http.Header{}}
				}
			}
			return nil
		}
		b.dispatch(t, "a", 1, 2, 3)
		b.dispatch(t, "bad", 4)
		b.sees(t, "[[1 2 3 4] [1 2] [3 4] [3] [4]]")
		if len(b.failed) != 1 || !strings.HasPrefix(b.failed[0], `{"n":4}`) {
			t.Errorf("failed: %q", b.failed)
		}
	})

	inTime(t, "AllWhereTheKeyIsRefused", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 2})
		b.intake.answer = func(int, []sent) *step { return new(refused(401, CodeUnauthorized, "")) }
		b.dispatch(t, "a", 1, 2)
		b.sees(t, "[[1 2]]")
		if len(b.failed) != 2 {
			t.Errorf("failed: %q", b.failed)
		}
	})
}

func TestBatcherWhileTheAPIIsAway(t *testing.T) {
	t.Parallel()

	inTime(t, "TriesAgainUnderTheSameKey", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 2})
		b.intake.answer = func(n int, _ []sent) *step {
			return map[int]*step{1: {err: io.ErrUnexpectedEOF}, 2: new(refused(500, CodeInternal, "")), 3: new(refused(503, CodeUnavailable, "2"))}[n]
		}
		began := time.Now()
		b.dispatch(t, "a", 1, 2)
		if err := b.Flush(t.Context()); err != nil || len(b.failed) > 0 {
			t.Errorf("%v, failed: %q", err, b.failed)
		}
		if took := time.Since(began); took != (100+200+400+2000)*time.Millisecond {
			t.Errorf("took %s", took)
		}
		b.sees(t, "[[1 2] [1 2] [1 2] [1 2]]")
		for _, key := range b.intake.keys {
			if key != b.intake.keys[0] {
				t.Errorf("the keys are %q", b.intake.keys)
			}
		}
	})

	inTime(t, "GivesUpInTheEnd", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{RetryFor: 30 * time.Second})
		b.intake.answer = func(int, []sent) *step { return &gone }
		b.dispatch(t, "a", 1)
		began := time.Now()
		if err := b.Flush(t.Context()); err == nil || len(b.failed) != 1 {
			t.Errorf("%v, failed: %q", err, b.failed)
		}
		if took := time.Since(began); took < 30*time.Second || took > 40*time.Second {
			t.Errorf("took %s", took)
		}
	})

	inTime(t, "GivesUpWhenClosedForLongEnough", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 1})
		b.intake.answer = func(int, []sent) *step { return &step{hang: true} }
		b.dispatch(t, "a", 1, 2, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, ErrClosed) || !errors.Is(err, context.DeadlineExceeded) || len(b.failed) != 3 {
			t.Errorf("%v, failed: %q", err, b.failed)
		}
	})
}

func TestBatcherIsBounded(t *testing.T) {
	t.Parallel()
	stuck := func(t *testing.T, cfg BatcherConfig) (*batching, chan struct{}) {
		release := make(chan struct{})
		cfg.MaxEvents = 1
		b := newBatching(t, cfg)
		b.intake.answer = func(int, []sent) *step {
			<-release
			return nil
		}
		return b, release
	}

	inTime(t, "AndRefusesWhatIsMore", func(t *testing.T) {
		b, release := stuck(t, BatcherConfig{MaxPending: 2, Refuse: true})
		b.dispatch(t, "a", 1, 2)
		if p, err := b.Submit(t.Context(), "a", map[string]any{}); p != nil || !errors.Is(err, ErrFull) {
			t.Errorf("got %v, %v", p, err)
		}
		close(release)
		synctest.Wait()
		b.dispatch(t, "a", 3)
	})

	inTime(t, "ByBytesToo", func(t *testing.T) {
		b, release := stuck(t, BatcherConfig{MaxPendingBytes: 1, Refuse: true})
		large := map[string]any{"n": strings.Repeat("x", 600<<10)}
		if err := b.Dispatch(t.Context(), "a", large); err != nil {
			t.Fatal(err)
		}
		if err := b.Dispatch(t.Context(), "a", large); !errors.Is(err, ErrFull) {
			t.Errorf("got %v", err)
		}
		close(release)
	})

	inTime(t, "AndWaitsForRoom", func(t *testing.T) {
		b, release := stuck(t, BatcherConfig{MaxPending: 2})
		b.dispatch(t, "a", 1, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Dispatch(ctx, "a", map[string]any{"n": 3}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(time.Second, func() { close(release) })
		b.dispatch(t, "a", 4)
		if err := b.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		b.sees(t, "[[1] [2] [4]]")
	})

	inTime(t, "AndClosedWhileSomebodyWaits", func(t *testing.T) {
		b, release := stuck(t, BatcherConfig{MaxPending: 1})
		b.dispatch(t, "a", 1)
		waits := make(chan error)
		go func() { waits <- b.Dispatch(t.Context(), "a", map[string]any{}) }()
		synctest.Wait()
		go b.Close(t.Context())
		if err := <-waits; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
		close(release)
	})

	inTime(t, "AndTakesNoEventThatIsTooLarge", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{})
		if err := b.Dispatch(t.Context(), "a", map[string]any{"n": strings.Repeat("x", 1<<20)}); err == nil {
			t.Error("is taken")
		}
		if err := b.Dispatch(t.Context(), "a", 1); err == nil {
			t.Error("no object is taken")
		}
	})
}

// TestBatcherOfMany: with many writers, refusals and an API that loses answers, each
// event is accepted once, or reported.
func TestBatcherOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 7, MaxPending: 20})
		lost := false
		b.intake.answer = func(n int, events []sent) *step {
			switch n % 5 {
			case 1:
				return new(refused(503, CodeUnavailable, "1"))
			case 3: // it takes them, and the answer gets lost
				if !lost {
					lost = true
					for _, e := range events {
						if e.Type != "bad" && !b.intake.ids[e.ID] {
							b.intake.accepted = append(b.intake.accepted, fmt.Sprint(e.Data["n"]))
							b.intake.ids[e.ID] = true
						}
					}
				}
				return &gone
			}
			return nil
		}
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				for i := range 25 {
					eventType := "a"
					if i == 7 {
						eventType = "bad"
					}
					b.dispatch(t, eventType, w*25+i)
				}
			})
		}
		writers.Wait()
		if err := b.Close(t.Context()); CodeOf(err) != CodeInvalid {
			t.Errorf("Close says %v", err)
		}
		once := map[string]int{}
		for _, n := range b.intake.accepted {
			once[n]++
		}
		if len(once) != 8*24 || len(b.intake.accepted) != 8*24 || len(b.failed) != 8 {
			t.Errorf("%d accepted, %d of them different, %d refused", len(b.intake.accepted), len(once), len(b.failed))
		}
	})
}
