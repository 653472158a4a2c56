package deliver

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/retry"
	"github.com/postrider/postrider/internal/webhook"
)

// member is one delivery of a running chunk.
type member struct {
	webhook.Member
	run       *run
	standing  *webhook.Standing
	target    *target
	event     webhook.CarriedEvent
	probe     bool
	notBefore time.Time // under a rate limit; zero is now
	slot      ticket
	promotes  bool // its secret was refused, and the next one was not

	mu       sync.Mutex
	task     string // who holds the row
	running  bool
	detached bool
	// doubted: the row may name this worker though detached is not set, because
	// the answer to the hand-over got lost.
	doubted bool
}

const (
	// patience is how long a member waits for a slot before it is parked, as long
	// as its endpoint may still turn out to be quick.
	patience = 3 * time.Second
	// glance is how often a chunk looks around among its members. Behind an
	// endpoint that is known to be slow or failing nobody waits longer: its members
	// would take the worker's room from those of healthy endpoints.
	glance = 250 * time.Millisecond
)

// begin has the member wait for its rate, where it has one, and for a slot.
func (m *member) begin() {
	if m.notBefore.IsZero() {
		m.queue()
		return
	}
	go func() {
		if m.waitForRate() {
			m.queue()
		} else {
			m.leaveTo(m.giveBack)
		}
	}()
}

// queue has attempt be called when the endpoint has a slot for the member.
func (m *member) queue() {
	r := m.run.r
	m.slot.who, m.slot.backlog = m, laneFor(m.run.chunk.Task) != webhook.LaneDeliver
	ceiling := max(m.target.ceiling/max(r.workers(), 1), 1)
	if !r.limiter.enter(m.EndpointID, ceiling, r.cfg.Now(), &m.slot) {
		go m.leaveTo(m.park)
	}
}

// leaveTo ends the member without an attempt.
func (m *member) leaveTo(others func(context.Context)) {
	defer m.done()
	others(context.Background())
}

// done is once the member's outcome is in Postgres, or it is somebody else's.
func (m *member) done() {
	m.run.leave(m)
	m.run.r.attempts.Done()
}

// attempt makes the request and has its outcome recorded. Its context is its own:
// an asynq that lost Redis cuts no request off in the middle.
func (m *member) attempt() {
	r := m.run.r
	ctx := context.Background()
	if r.recorder.available(ctx) != nil || !m.mayBegin(ctx) {
		r.limiter.unused(m.EndpointID, &m.slot, r.cfg.Now())
		m.done()
		return
	}
	m.setRunning()
	r.metrics.inFlight.Inc()
	last, refused := m.exchange(ctx)
	r.metrics.inFlight.Dec()
	r.limiter.release(m.EndpointID, &m.slot, r.cfg.Now(), last.ok())
	m.conclude(ctx, &last, refused)
}

// mayBegin is false for a member that is left to others.
func (m *member) mayBegin(ctx context.Context) bool {
	if m.run.r.cfg.ClockOff() != nil {
		m.giveBack(ctx)
		return false
	}
	return m.stillHeld(ctx) && (!m.probe || m.beginsProbe(ctx))
}

// waitForRate waits for the reserved start time; false when the worker stops.
func (m *member) waitForRate() bool {
	r := m.run.r
	wait := m.notBefore.Sub(r.cfg.Now())
	return wait <= 0 || r.passes(wait)
}

func (m *member) park(ctx context.Context) {
	m.run.r.metrics.parked.Inc()
	m.parkFor(ctx, webhook.Hold{Delivery: m.Member, Task: m.task, Reason: webhook.HeldInFlight, For: time.Second, Probe: m.probe})
}

func (m *member) parkFor(ctx context.Context, hold webhook.Hold) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	if err := m.run.r.parker.park(ctx, hold); err != nil {
		m.run.r.cfg.Logger.Warn("a delivery that is held up was not parked", "reason", hold.Reason, "error", err)
	}
}

func (m *member) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	if err := m.run.r.giveBack(ctx, []webhook.Member{m.Member}, m.task); err != nil {
		m.run.r.cfg.Logger.Warn("a delivery was not handed back", "error", err)
	}
}

// lockIfRunning locks a member whose request runs, so that it does not conclude.
func (m *member) lockIfRunning() bool {
	m.mu.Lock()
	if m.running {
		return true
	}
	m.mu.Unlock()
	return false
}

func (m *member) setRunning() {
	m.mu.Lock()
	m.running = true
	m.mu.Unlock()
	m.run.r.recorder.expect(1)
}

// rest ends the running state; from then on nobody else changes who holds the
// row. It returns whether that is this worker.
func (m *member) rest() (detached bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = false
	if !m.detached {
		m.run.r.recorder.expect(-1)
	}
	return m.detached
}

// isDetached asks for the answer to a hand-over that got lost: a failure that is
// recorded under the wrong name decides nothing, and would be repeated at once.
func (m *member) isDetached(ctx context.Context) bool {
	r := m.run.r
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	named, err := r.Rows.HandOver(ctx, []webhook.Member{m.Member}, r.holder(), r.holder())
	if err != nil || len(named) == 0 {
		return false
	}
	m.task = r.holder()
	return true
}

// send makes a request. A panic is an outcome too: asynq catches none on a
// goroutine of ours, and the process would end with everybody's requests.
func (m *member) send(ctx context.Context, renewed bool, timeout time.Duration) (x exchange) {
	r := m.run.r
	start := r.cfg.Now()
	var span Span
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Logger.ErrorContext(traced(ctx, m.event), "an attempt failed inside Postrider", "delivery_id", m.DeliveryID.Format(webhook.DeliveryPrefix),
				"panic", p, "stack", string(debug.Stack()))
			x.Response = webhook.Response{Started: start, Duration: r.cfg.Now().Sub(start), Err: &webhook.SendError{
				Class: webhook.ClassInternal, Detail: "the attempt failed inside Postrider", Cause: fmt.Errorf("panic: %v", p),
			}}
		}
		if span != nil {
			m.endSpan(span, x.Response)
		}
	}()
	sign := m.target.signing.at(start, renewed)
	req, sent := m.target.request(r.cfg.UserAgent, start, m.event, m.DeliveryID, m.standing.Attempts+1, sign)
	req.Timeout = timeout
	if span = m.span(start); span != nil {
		sent = tellTrace(span, &req, sent)
	}
	x.sent, x.with = sent, sign.with
	x.Response = r.Sender.Do(ctx, req)
	if e := x.Err; e != nil && e.Class == webhook.ClassInternal {
		// Its reason is the operator's to mend, and nobody else is told it.
		r.cfg.Logger.WarnContext(traced(ctx, m.event), "an attempt failed on our side", "delivery_id", m.DeliveryID.Format(webhook.DeliveryPrefix), "error", e.Cause)
	}
	return x
}

// conclude decides what becomes of the delivery and has it recorded.
func (m *member) conclude(ctx context.Context, x *exchange, refused *webhook.Attempt) {
	r := m.run.r
	detached := m.rest()
	decision := m.decide(x.Response)
	o := webhook.Outcome{
		Delivery: m.Member, Attempt: x.attempt(), Refused: refused, Task: m.task, Seen: m.standing.Attempts,
		Probe: m.probe, Disable: decision.Disable, EndpointVersion: m.target.Version, Turn: m.turn(),
	}
	if refused != nil {
		inOrder(refused, &o.Attempt)
	}
	if m.doubted && !detached && decision.Outcome != retry.Success {
		detached = m.isDetached(ctx)
		o.Task = m.task
	}
	switch decision.Outcome {
	case retry.Success:
		o.Status = webhook.StatusSuccess
		o.Recovers = m.standing.BreakerOpen || r.failing.ends(m.EndpointID)
	case retry.Fail:
		o.Status = webhook.StatusFailed
	case retry.Retry:
		o.Status, o.Delay = webhook.StatusPending, decision.Delay
		o.NextTask = m.nextTask(decision.Delay, m.run.single && !detached)
	}
	if o.Status != webhook.StatusSuccess {
		r.failing.add(m.EndpointID)
	}
	m.promotes = refused != nil && x.ok()
	r.recorder.record(o, m)
}

// recorded goes on where conclude ended. What takes long gets a goroutine: others of
// the group are behind.
func (m *member) recorded(o *webhook.Outcome, v verdict) {
	r := m.run.r
	if o.Status != webhook.StatusSuccess {
		r.failing.add(m.EndpointID)
	}
	r.metrics.attempted(m, o, r.cfg.Now())
	m.log(o, v.decided)
	m.tell(o, v)
	if v.decided && o.NextTask == "" && !m.promotes {
		m.done()
		return
	}
	go func() {
		defer m.done()
		m.follow(o, v)
	}()
}

// follow arranges what comes after the attempt.
func (m *member) follow(o *webhook.Outcome, v verdict) {
	ctx := context.Background()
	switch {
	case !v.decided:
		m.letGo(ctx, v)
	case o.NextTask != "":
		m.arrange(ctx, o)
	}
	if m.promotes {
		m.promote(ctx)
	}
}

// letGo leaves a delivery that the attempt did not decide. As a rule somebody
// else has it. Where its row still names this worker or this task, nobody would
// come for it: a worker's name is alive for as long as the worker.
func (m *member) letGo(ctx context.Context, v verdict) {
	r := m.run.r
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	next := "" // feed, when it is due
	if v.lost {
		// A task that never was: audit finds it dead after a while. Feed would
		// make the same request again at once, and again.
		next = r.cfg.Shards.NewTask(webhook.LaneRetry, r.cfg.Now())
	}
	names := []string{m.task}
	if m.doubted {
		names = append(names, r.holder())
	}
	for _, name := range names {
		if _, err := r.Rows.HandOver(ctx, []webhook.Member{m.Member}, name, next); err != nil {
			r.cfg.Logger.Warn("an undecided delivery was not handed back", "error", err)
		}
	}
}

// longWait is how far ahead Redis is asked to keep a delivery; beyond it
// Postgres alone does, so that Redis holds what is near.
const longWait = time.Hour

// nextTask is who has the delivery until its next attempt.
func (m *member) nextTask(delay time.Duration, asItself bool) string {
	switch {
	case delay > longWait || m.probe:
		return ""
	case asItself:
		return m.task
	default:
		return m.run.r.cfg.Shards.NewTask(webhook.LaneRetry, m.run.r.cfg.Now())
	}
}

// arrange puts the next attempt into Redis, after Postgres knows of it.
func (m *member) arrange(ctx context.Context, o *webhook.Outcome) {
	r := m.run.r
	if o.NextTask == m.task {
		m.run.again = max(o.Delay, time.Millisecond)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	next := webhook.Chunk{Task: o.NextTask, Members: []webhook.Member{m.Member}}
	if len(m.event.Body) <= webhook.MaxCarriedBytes && o.Delay <= time.Minute {
		next.Events = []webhook.CarriedEvent{m.event}
	}
	err := r.Retries.EnqueueAt(ctx, next, r.cfg.Now().Add(o.Delay))
	if err == nil {
		return
	}
	r.cfg.Logger.Warn("redis takes no tasks: a retry waits in Postgres", "error", err)
	if err := r.giveBack(ctx, next.Members, o.NextTask); err != nil {
		r.cfg.Logger.Warn("a retry was not given back: audit will find it", "error", err)
	}
}

// probeAgain is when a probe that failed is looked at again; the breaker is open
// then and parks it.
const probeAgain = time.Second

// decide applies the endpoint's schedule. A probe of an open breaker uses up no
// retry, so it never fails a delivery, unless the receiver said that it is gone.
func (m *member) decide(res webhook.Response) retry.Decision {
	r := m.run.r
	schedule, failures := retry.Schedule(m.target.schedule), m.standing.Attempts-m.standing.ScheduleStart+1
	if m.probe {
		schedule, failures = retry.Schedule{probeAgain}, 1
	}
	return schedule.Decide(failures, answerOf(res), r.cfg.Random(), r.cfg.Now())
}

// answerOf is what the receiver said. It said it even where the answer broke off
// in the body, only that this is no success.
func answerOf(res webhook.Response) retry.Answer {
	if res.Err != nil && res.StatusCode/100 == 2 {
		return retry.Answer{}
	}
	return retry.Answer{StatusCode: res.StatusCode, RetryAfter: res.Header.Get("Retry-After")}
}
