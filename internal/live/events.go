package live

import (
	"context"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// maxPage is how many events are looked at at a time that a stream is behind with.
	maxPage = 1000
	// A stream holds so many events with their bodies, one at least.
	maxBodies     = 100
	maxBodiesSize = 1 << 20
)

// event is the next one that the query is about; false when there is none now.
func (s *Stream) event(ctx context.Context) (Message, bool, error) {
	if s.window == nil {
		return Message{}, false, nil
	}
	for {
		if len(s.ready) > 0 {
			e := s.ready[0]
			s.ready = s.ready[1:]
			if s.wants(&e) {
				return Message{Event: &e, Position: s.behind(e.ID)}, true, nil
			}
			continue
		}
		if len(s.queue) > 0 {
			if err := s.load(ctx); err != nil {
				return Message{}, false, err
			}
			continue
		}
		s.arrive()
		more, err := s.fill(ctx)
		if err != nil {
			return Message{}, false, err
		}
		if !s.began && !s.position.IsZero() {
			s.began = true
			return Message{Position: s.position}, true, nil
		}
		if !more {
			return Message{}, false, nil
		}
	}
}

// behind is the position once a queued event was shown: the queue is in the order of
// ids, and what is before reach is all there.
func (s *Stream) behind(id webhook.ID) webhook.ID { return later(s.position, earlier(id, s.reach)) }

// arrive notes that what was queued was shown.
func (s *Stream) arrive() {
	if compare(s.reach, s.position) <= 0 {
		return
	}
	s.position = s.reach
	for id := range s.sent {
		if compare(id, s.position) <= 0 {
			delete(s.sent, id)
		}
	}
}

// fill finds out what is to be shown next. more says that there may be something.
func (s *Stream) fill(ctx context.Context) (more bool, err error) {
	now, _ := s.window.current()
	if now == nil {
		return false, nil
	}
	if s.fresh {
		s.begin(now)
		return false, nil
	}
	if compare(s.position, now.from) < 0 {
		return true, s.catchUp(ctx, now.from)
	}
	for _, h := range now.heads {
		if compare(h.ID, s.position) > 0 {
			s.enqueue(h)
		}
	}
	s.reach = now.settled
	return len(s.queue) > 0, nil
}

// begin passes over all that there is.
func (s *Stream) begin(now *look) {
	s.fresh = false
	s.position = now.settled
	for _, h := range now.heads {
		if compare(h.ID, s.position) > 0 {
			s.sent[h.ID] = struct{}{}
		}
	}
}

// catchUp reads on to where the window begins: a stream gets there at its reader's
// own pace.
func (s *Stream) catchUp(ctx context.Context, to webhook.ID) error {
	ctx, cancel := reading(ctx)
	defer cancel()
	heads, err := s.hub.events.After(ctx, s.query.Workspace, s.position, to, maxPage)
	if err != nil {
		return err
	}
	s.reach = to
	if len(heads) == maxPage {
		s.reach = heads[maxPage-1].ID
	}
	for _, h := range heads {
		s.enqueue(h)
	}
	return nil
}

// reading has a time of its own: one that takes longer than somebody waits for the next
// message would be broken off each time, and never come to an end.
func reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
}

// enqueue takes an event that was not shown and may be wanted.
func (s *Stream) enqueue(h webhook.EventHead) {
	if _, sent := s.sent[h.ID]; sent || !s.mayWant(&h) {
		return
	}
	s.queue = append(s.queue, h)
}

func (s *Stream) mayWant(h *webhook.EventHead) bool {
	return (s.query.Types == nil || s.query.Types.MatchesType(h.Type)) &&
		(s.query.Wants == nil || s.query.Wants.MatchesType(h.Type))
}

// load reads the first of the queue.
func (s *Stream) load(ctx context.Context) error {
	ctx, cancel := reading(ctx)
	defer cancel()
	n, size := 0, int64(0)
	for n < min(len(s.queue), maxBodies) {
		if size += s.queue[n].Size; n > 0 && size > maxBodiesSize {
			break
		}
		n++
	}
	ids := make([]webhook.ID, n)
	for i := range ids {
		ids[i] = s.queue[i].ID
	}
	events, err := s.hub.events.Events(ctx, s.query.Workspace, ids)
	if err != nil {
		return err
	}
	s.ready = events
	s.queue = slices.Clone(s.queue[n:])
	for _, id := range ids {
		s.sent[id] = struct{}{}
	}
	return nil
}

// wants is asked with the payload, too.
func (s *Stream) wants(e *webhook.Event) bool {
	if s.query.Wants == nil {
		return true
	}
	return e.Targeted(s.query.Endpoint) && e.Body != nil && s.query.Wants.Match(e.Type, webhook.DataOf(e.Body, s.query.Workspace))
}
