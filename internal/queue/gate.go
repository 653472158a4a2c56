package queue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// gate stands between asynq's servers and Redis, for three things that asynq does
// not look after. It goes by this machine's clock, whatever that says: while it is
// off, the gate answers in Redis's place that there is nothing to take, to forward
// or to recover, and extends no lease, so that this worker is to the others as one
// that is paused. It waits after Redis refused to give a task: asynq would ask for the
// next at once, thousands of times a second. And where there was no task it waits for
// the bell.
//
// What a worker has begun it may end, whatever the clock says.
type gate struct {
	redis *Redis // asked beside the gate
	pause time.Duration
	bells *bells
}

// refusedPause is how long a lane takes nothing after Redis gave it an error.
const refusedPause = 500 * time.Millisecond

// compareTimeout bounds the comparison of the clocks, for which a lane waits.
const compareTimeout = 2 * time.Second

// What asynq's servers do by themselves. The commands are those of v0.26, known by
// their first key; tests hold that each of them is known.
type errand int

const (
	anything errand = iota
	takeTask
	forwardTasks
	listExpired
	extendLeases
)

func errandOf(cmd redis.Cmder) errand {
	args := cmd.Args()
	switch name := cmd.Name(); {
	case (name == "evalsha" || name == "eval") && len(args) > 3:
		switch lastPart(args[3]) {
		case "pending":
			return takeTask
		case "scheduled", "retry":
			return forwardTasks
		case "lease":
			return listExpired
		}
	case name == "zadd" && len(args) > 1 && lastPart(args[1]) == "lease":
		return extendLeases
	}
	return anything
}

// lastPart is what stands after the last colon of a key.
func lastPart(key any) string {
	s, _ := key.(string)
	return s[strings.LastIndexByte(s, ':')+1:]
}

// DialHook implements redis.Hook.
func (g *gate) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook; asynq's servers use no pipelines.
func (g *gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (g *gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		e := errandOf(cmd)
		if e == takeTask {
			return g.take(ctx, cmd, next)
		}
		if e != anything && !g.open(ctx) {
			return nothing(e, cmd)
		}
		return next(ctx, cmd)
	}
}

// take asks for a task, where it is not known that there is none.
func (g *gate) take(ctx context.Context, cmd redis.Cmder, next redis.ProcessHook) error {
	queue := queueOf(cmd.Args()[3])
	g.bells.wait(ctx, queue)
	if !g.open(ctx) {
		wait(ctx, bellPatience)
		return nothing(takeTask, cmd)
	}
	err := next(ctx, cmd)
	none := errors.Is(err, redis.Nil)
	if err != nil && !none {
		wait(ctx, g.pause)
	}
	g.bells.found(queue, !none)
	return err
}

// open reports whether asynq may go by this machine's clock. Once a second it is
// compared with Redis's; a step in between shows without that.
func (g *gate) open(ctx context.Context) bool {
	if g.redis.clock.due() {
		ctx, cancel := context.WithTimeout(ctx, compareTimeout)
		defer cancel()
		// With Redis away the clocks are as they were, and what is asked fails by itself.
		_ = g.redis.look(ctx)
	}
	return g.redis.clock.trusted()
}

// nothing answers in Redis's place as an empty one would.
func nothing(e errand, cmd redis.Cmder) error {
	eval, isEval := cmd.(*redis.Cmd)
	switch {
	case e == forwardTasks && isEval:
		eval.SetVal(int64(0))
		return nil
	case e == listExpired && isEval:
		eval.SetVal([]any{})
		return nil
	case e == takeTask:
		cmd.SetErr(redis.Nil)
		return redis.Nil
	default:
		cmd.SetErr(errClockOff)
		return errClockOff
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
