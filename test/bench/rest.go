package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// idleLength is how long nothing is done, after as long for what was.
const idleLength = 10 * time.Second

// beforeLoad measures what a system costs that has nothing to do, and what waits in
// Redis while there is no worker.
func (r *result) beforeLoad(ctx context.Context, l *lab) (err error) {
	if r.options.partial() {
		return nil
	}
	length := idleLength
	if r.options.quick {
		length = time.Second
	}
	if r.idle, err = l.idle(ctx, length); err != nil {
		return err
	}
	r.queued, err = l.queuedBytes(ctx)
	return err
}

// idle is the share of a core.
func (l *lab) idle(ctx context.Context, length time.Duration) (float64, error) {
	if err := sleep(ctx, length); err != nil {
		return 0, err
	}
	before, err := l.stack.cpu()
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, length); err != nil {
		return 0, err
	}
	after, err := l.stack.cpu()
	if err != nil {
		return 0, err
	}
	return system(after.since(before, 1)) / float64(length.Microseconds()), nil
}

// system is what all use but the driver.
func system(each map[string]float64) float64 { return total(each) - each[driver] }

func sleep(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// queuedEvents, at fan-out 10, are as many deliveries as are in Redis at once.
const queuedEvents = 2000

// queuedBytes is what a first attempt takes there that no worker has taken.
func (l *lab) queuedBytes(ctx context.Context) (float64, error) {
	before, err := l.redisBytes(ctx)
	if err != nil {
		return 0, err
	}
	worker := l.stack.processes["worker"].child.Pid()
	if err := syscall.Kill(worker, syscall.SIGSTOP); err != nil {
		return 0, err
	}
	defer func() { _ = syscall.Kill(worker, syscall.SIGCONT) }() // also where it goes on already
	t := l.begin(wideKind, queuedEvents)
	if _, err := l.poster.postAll(ctx, wideKind, t.first, queuedEvents, l.posters); err != nil {
		return 0, err
	}
	after, err := l.redisBytes(ctx)
	if err != nil {
		return 0, err
	}
	if err := syscall.Kill(worker, syscall.SIGCONT); err != nil {
		return 0, err
	}
	if err := t.wait(ctx); err != nil {
		return 0, err
	}
	return float64(after-before) / float64(queuedEvents*wideKind.fanout), l.end(ctx, t)
}

// failures is how many events fail at each of their endpoints: fewer than open a breaker.
const failures = 3

// waitingBytes is what a retry takes there until it is due. Nothing settles after it.
func (l *lab) waitingBytes(ctx context.Context) (float64, error) {
	before, err := l.redisBytes(ctx)
	if err != nil {
		return 0, err
	}
	t := l.begin(failsKind, failures)
	if _, err := l.poster.postAll(ctx, failsKind, t.first, failures, 1); err != nil {
		return 0, err
	}
	if err := t.wait(ctx); err != nil {
		return 0, err
	}
	want := int64(failures * failsKind.fanout)
	for end := time.Now().Add(patience); ; {
		n, err := l.scheduled(ctx)
		if err != nil {
			return 0, err
		}
		if n >= want {
			break
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("%d of %d retries wait in redis", n, want)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return 0, err
		}
	}
	after, err := l.redisBytes(ctx)
	return float64(after-before) / float64(want), err
}

// scheduled is how many tasks wait for their time.
func (l *lab) scheduled(ctx context.Context) (n int64, err error) {
	keys, err := l.stack.redis.Keys(ctx, "asynq:*:scheduled").Result()
	for _, key := range keys {
		n += l.stack.redis.ZCard(ctx, key).Val()
	}
	return n, err
}

func (l *lab) redisBytes(ctx context.Context) (int64, error) {
	info, err := l.stack.redis.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(info, "used_memory_dataset:")
	number, _, _ := strings.Cut(rest, "\r")
	if !ok {
		return 0, fmt.Errorf("redis does not tell used_memory_dataset")
	}
	return strconv.ParseInt(number, 10, 64)
}
