package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// sorting is a chunk's members after Postgres was asked about them.
type sorting struct {
	run      []*member
	holds    []webhook.Hold
	canceled []webhook.Member
	early    []webhook.Member
	waits    []webhook.Member // others of their ordering key are before them
	earliest time.Duration
	versions map[webhook.ID]int64
}

// prepare asks Postgres about every member and starts those that are still
// pending, still this task's, due, and wanted by their endpoint.
//
// It asks for every chunk, also for one that was enqueued a moment ago: one
// SELECT costs a delivery a few microseconds and needs no rule about which task
// is fresh, which would hang on clocks and on what Redis remembers.
func (r *Runner) prepare(ctx context.Context, chunk webhook.Chunk, gently bool) (*run, error) {
	asked := r.cfg.Now()
	standing, err := r.Rows.Guard(ctx, chunk.Members)
	if err != nil {
		return nil, err
	}
	s := r.sort(chunk, standing)
	if err := r.setAside(ctx, chunk, s); err != nil {
		return nil, err
	}
	run := newRun(r, chunk, asked)
	run.gently = gently
	if len(s.run) == 0 {
		if run.single && len(s.early) == 1 {
			run.again = s.earliest
		}
		return run, nil
	}
	endpoints, err := r.targets.get(ctx, s.versions)
	if err != nil {
		return nil, err
	}
	events, err := r.bodies(ctx, chunk, s.run)
	if err != nil {
		return nil, err
	}
	ready, err := r.equip(ctx, chunk, s.run, endpoints, events)
	if err != nil {
		return nil, err
	}
	if ready, err = r.limitRates(ctx, chunk, ready); err != nil {
		return nil, err
	}
	run.start(ready)
	return run, nil
}

// sort decides for each member. What is not in standing, or not this task's, is
// dropped: somebody else has it, or it is done.
func (r *Runner) sort(chunk webhook.Chunk, standing webhook.Standings) *sorting {
	s := &sorting{versions: make(map[webhook.ID]int64)}
	for _, m := range chunk.Members {
		st := standing[m.DeliveryID]
		if st == nil || st.Status != webhook.StatusPending || st.Task != chunk.Task {
			r.metrics.dropped.Inc()
			continue
		}
		hold, held := holdOf(m, chunk.Task, st)
		switch {
		case st.EndpointDeleted:
			s.canceled = append(s.canceled, m)
		case st.Waits:
			s.waits = append(s.waits, m)
		case held:
			s.holds = append(s.holds, hold)
		case st.DueIn > 0:
			s.early = append(s.early, m)
			s.earliest = st.DueIn
		default:
			s.versions[m.EndpointID] = max(s.versions[m.EndpointID], st.EndpointVersion)
			s.run = append(s.run, &member{Member: m, task: chunk.Task, standing: st, probe: isProbe(m.DeliveryID, st)})
		}
	}
	return s
}

// setAside writes down what is not tried now.
func (r *Runner) setAside(ctx context.Context, chunk webhook.Chunk, s *sorting) error {
	if len(s.canceled) > 0 {
		err := r.Rows.Settle(ctx, s.canceled, chunk.Task, webhook.StatusCanceled, webhook.ReasonEndpointDeleted)
		if err != nil {
			return err
		}
	}
	if len(s.waits) > 0 {
		if err := r.Rows.Wait(ctx, s.waits, chunk.Task); err != nil {
			return err
		}
	}
	if len(s.holds) > 0 {
		if err := r.Rows.Park(ctx, s.holds); err != nil {
			return err
		}
	}
	// A lone early member keeps its task, which asynq brings back in time; of a
	// chunk, feed takes each when it is due.
	if len(s.early) > 0 && !isSingle(chunk) {
		return r.giveBack(ctx, s.early, chunk.Task)
	}
	return nil
}

// isSingle: the task is one delivery's own, so asynq can retry it as it is.
func isSingle(chunk webhook.Chunk) bool {
	lane, _ := webhook.LaneOf(chunk.Task)
	return lane == webhook.LaneRetry && len(chunk.Members) == 1
}

// bodies are the members' events: carried by the task, or read from Postgres.
func (r *Runner) bodies(ctx context.Context, chunk webhook.Chunk, members []*member) (map[webhook.ID]webhook.CarriedEvent, error) {
	events := make(map[webhook.ID]webhook.CarriedEvent, len(chunk.Events))
	for _, e := range chunk.Events {
		events[e.ID] = e
	}
	asked := make(map[webhook.ID]bool)
	var missing []webhook.Member
	for _, m := range members {
		if _, ok := events[m.EventID]; !ok && !asked[m.EventID] {
			asked[m.EventID] = true
			missing = append(missing, m.Member)
		}
	}
	if len(missing) == 0 {
		return events, nil
	}
	read, err := r.Sources.Events(ctx, missing)
	if err != nil {
		return nil, err
	}
	for id, e := range read {
		events[id] = e
	}
	return events, nil
}

// sealedDelay is how long a delivery waits whose endpoint's secret this process
// can't read: another process, or this one after its upgrade, can.
const sealedDelay = time.Minute

// equip gives each member its endpoint and event, and settles those that have
// none any more.
func (r *Runner) equip(ctx context.Context, chunk webhook.Chunk, members []*member,
	endpoints map[webhook.ID]*target, events map[webhook.ID]webhook.CarriedEvent,
) ([]*member, error) {
	var ready []*member
	var expired, deleted []webhook.Member
	var sealed []webhook.Hold
	for _, m := range members {
		e, ok := events[m.EventID]
		t := endpoints[m.EndpointID]
		switch {
		case !ok:
			expired = append(expired, m.Member)
		case t == nil:
			deleted = append(deleted, m.Member)
		case t.err != nil:
			r.cfg.Logger.ErrorContext(traced(ctx, e), "a secret can't be decrypted", "endpoint_id", m.EndpointID.Format(webhook.EndpointPrefix), "error", t.err)
			sealed = append(sealed, webhook.Hold{
				Delivery: m.Member, Task: chunk.Task, Reason: webhook.HeldSecretSealed, For: sealedDelay, Probe: m.probe,
			})
		default:
			m.event, m.target = e, t
			ready = append(ready, m)
		}
	}
	r.metrics.sealed.Set(float64(len(sealed)))
	r.sealed.saw(r.cfg.Now(), sealed, ready)
	if len(expired) > 0 {
		if err := r.Rows.Settle(ctx, expired, chunk.Task, webhook.StatusFailed, webhook.ReasonPayloadExpired); err != nil {
			return nil, fmt.Errorf("fail deliveries without a payload: %w", err)
		}
	}
	if len(deleted) > 0 {
		if err := r.Rows.Settle(ctx, deleted, chunk.Task, webhook.StatusCanceled, webhook.ReasonEndpointDeleted); err != nil {
			return nil, err
		}
	}
	if len(sealed) > 0 {
		if err := r.Rows.Park(ctx, sealed); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// rateHorizon is how far ahead start times under a rate limit are reserved; what
// has no room before it is parked.
const rateHorizon = time.Second

// limitRates gives members of endpoints with a rate limit a start time.
func (r *Runner) limitRates(ctx context.Context, chunk webhook.Chunk, members []*member) ([]*member, error) {
	byEndpoint := make(map[webhook.ID][]*member)
	ready := members[:0]
	for _, m := range members {
		if m.target.RateLimit == nil {
			ready = append(ready, m)
		} else {
			byEndpoint[m.EndpointID] = append(byEndpoint[m.EndpointID], m)
		}
	}
	var holds []webhook.Hold
	for id, all := range byEndpoint {
		granted, first, apart := r.Rates.Reserve(ctx, id, *all[0].target.RateLimit, len(all), rateHorizon)
		now := r.cfg.Now() // not before: the times are from the answer on, and none may be early
		for i, m := range all {
			if i < granted {
				m.notBefore = now.Add(first + time.Duration(i)*apart)
				ready = append(ready, m)
				continue
			}
			holds = append(holds, webhook.Hold{
				Delivery: m.Member, Task: chunk.Task, Reason: webhook.HeldRateLimit, For: rateHorizon, Probe: m.probe,
			})
		}
	}
	if len(holds) > 0 {
		return ready, r.Rows.Park(ctx, holds)
	}
	return ready, nil
}
