package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestBatcherSends(t *testing.T) {
	t.Parallel()

	inTime(t, "AFullBatchAtOnce", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 3})
		b.dispatch(t, "a", 1, 2)
		b.sees(t, "[]")
		b.dispatch(t, "a", 3, 4)
		b.sees(t, "[[1 2 3]]")
	})

	inTime(t, "WhatHasWaitedLongEnough", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxDelay: time.Second})
		b.dispatch(t, "a", 1)
		time.Sleep(999 * time.Millisecond) //nolint:forbidigo // synthetic time
		b.dispatch(t, "a", 2)
		b.sees(t, "[]")
		time.Sleep(time.Millisecond) //nolint:forbidigo // synthetic time
		b.sees(t, "[[1 2]]")
	})

	inTime(t, "WhatIsLargeEnough", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxBytes: 200})
		long := strings.Repeat("x", 60)
		for n := range 4 {
			if err := b.Dispatch(t.Context(), "a", map[string]any{"n": n, "long": long}); err != nil {
				t.Fatal(err)
			}
		}
		b.sees(t, "[[0] [1] [2]]")
		if err := b.Dispatch(t.Context(), "a", map[string]any{"n": 4, "long": strings.Repeat(long, 9)}); err != nil {
			t.Fatal(err)
		}
		b.sees(t, "[[0] [1] [2] [3] [4]]")
	})

	inTime(t, "WhatIsFlushedAndNoMore", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{})
		b.dispatch(t, "a", 1, 2)
		if err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.dispatch(t, "a", 3)
		b.sees(t, "[[1 2]]")
		began := time.Now()
		if err := b.Flush(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		b.sees(t, "[[1 2] [3]]")
	})

	inTime(t, "WhatIsLeftWhenItIsClosed", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 2})
		b.dispatch(t, "a", 1, 2, 3)
		for range 2 {
			if err := b.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b.sees(t, "[[1 2] [3]]")
		if err := b.Dispatch(t.Context(), "a", map[string]any{}); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	})

	inTime(t, "InOrderWhileItIsSlow", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxEvents: 2})
		b.intake.answer = func(int, []sent) *step {
			time.Sleep(time.Second) //nolint:forbidigo // synthetic time
			return nil
		}
		b.dispatch(t, "a", 1, 2, 3, 4, 5)
		if err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.sees(t, "[[1 2] [3 4] [5]]")
	})
}

func TestBatcherResults(t *testing.T) {
	t.Parallel()

	inTime(t, "AreEachEventsOwn", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{})
		good, err := b.Submit(t.Context(), "a", map[string]any{"n": 1}, WithID("mine"))
		if err != nil {
			t.Fatal(err)
		}
		bad, err := b.Submit(t.Context(), "bad", map[string]any{"n": 2})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := good.Wait(t.Context()); err != nil || got.ID != "mine" || good.ID() != "mine" {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := bad.Wait(t.Context()); CodeOf(err) != CodeInvalid || bad.ID() == "" {
			t.Errorf("got %v", err)
		}
	})

	inTime(t, "AreNotWaitedForWithoutTime", func(t *testing.T) {
		b := newBatching(t, BatcherConfig{MaxDelay: time.Hour})
		p, err := b.Submit(t.Context(), "a", map[string]any{"n": 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
