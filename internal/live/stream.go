package live

import (
	"context"
	"errors"

	"github.com/postrider/postrider/internal/webhook"
)

// Message is one thing that a stream shows: what is not nil, or only how far it is.
type Message struct {
	Event   *webhook.Event
	Attempt *webhook.LiveAttempt
	Gap     *Gap
	// Position is what to go on after, in another stream, once this message and those
	// before it are dealt with. Some events that came before may come again then. It is
	// zero in a stream without events.
	Position webhook.ID
}

// Gap says that attempts were left out.
type Gap struct {
	LeftOut int
	// Unknown says that there may have been more than those.
	Unknown bool
}

// ErrStopping says that the process is about to stop: the stream goes on elsewhere.
var ErrStopping = errors.New("the process is about to stop")

// Stream is what somebody watches. It is for one goroutine.
type Stream struct {
	query Query
	hub   *Hub

	window      *window // nil without events
	leaveWindow func()
	fan         *fan // nil without attempts
	leaveFan    func()
	attempts    *buffer

	// position is how far everything was shown; sent is what was shown behind it.
	position webhook.ID
	sent     map[webhook.ID]struct{}
	// fresh streams begin with what comes from now on.
	fresh bool
	// began: the first message, which tells the position, was given.
	began bool
	// queue is to be shown next, ready has its first ones with their bodies. Once the
	// queue is empty everything up to reach was shown.
	queue []webhook.EventHead
	ready []webhook.Event
	reach webhook.ID
	// attemptLast: the last message was an attempt, so an event is next.
	attemptLast bool
}

// Close ends the stream.
func (s *Stream) Close() {
	if s.window != nil {
		s.leaveWindow()
	}
	if s.fan != nil {
		s.fan.leave(s.attempts)
		s.leaveFan()
	}
	s.hub.leave(s.query.Owner)
}

// Subscribe changes what the endpoint wants of events, from the next one on.
func (s *Stream) Subscribe(wants webhook.Interest) { s.query.Wants = wants }

// Position is what to go on after, as in a message.
func (s *Stream) Position() webhook.ID { return s.position }

// Next waits for the next message; the first one tells only where the stream begins:
// what is accepted once that was given is in the stream. The error is ctx's or
// ErrStopping: events that can't be read are waited for.
func (s *Stream) Next(ctx context.Context) (Message, error) {
	for {
		if err := s.over(ctx); err != nil {
			return Message{}, err
		}
		changed, filled := s.waits()
		m, ok, err := s.take(ctx)
		if ok {
			return m, nil
		}
		if err != nil && ctx.Err() == nil {
			s.hub.cfg.Logger.WarnContext(ctx, "a stream's events can't be read: they come once they can", "workspace_id", string(s.query.Workspace), "error", err)
		}
		select {
		case <-changed:
		case <-filled:
		case <-s.hub.cfg.Stopping:
		case <-ctx.Done():
		}
	}
}

func (s *Stream) over(ctx context.Context) error {
	select {
	case <-s.hub.cfg.Stopping:
		return ErrStopping
	default:
		return ctx.Err()
	}
}

// waits are closed, or hold something, when there is more to take.
func (s *Stream) waits() (changed, filled <-chan struct{}) {
	if s.window != nil {
		_, changed = s.window.current()
	}
	if s.attempts != nil {
		filled = s.attempts.filled
	}
	return changed, filled
}

// take is what there is: events and attempts by turns, that neither keeps the other out.
func (s *Stream) take(ctx context.Context) (Message, bool, error) {
	if s.window == nil && !s.began {
		s.began = true
		return Message{}, true, nil
	}
	if !s.attemptLast {
		if m, ok := s.attempt(); ok {
			s.attemptLast = true
			return m, true, nil
		}
	}
	s.attemptLast = false
	m, ok, err := s.event(ctx)
	if ok || err != nil {
		return m, ok, err
	}
	m, ok = s.attempt()
	return m, ok, nil
}

// attempt is the next one that the query is about.
func (s *Stream) attempt() (Message, bool) {
	if s.attempts == nil || !s.began {
		return Message{}, false
	}
	for {
		a, gap := s.attempts.take()
		if a == nil && gap == nil {
			return Message{}, false
		}
		if gap != nil || s.shows(a) {
			return Message{Attempt: a, Gap: gap, Position: s.position}, true
		}
	}
}

func (s *Stream) shows(a *webhook.LiveAttempt) bool {
	return (s.query.Endpoint.IsZero() || a.EndpointID == s.query.Endpoint) &&
		(s.query.Types == nil || s.query.Types.MatchesType(a.EventType))
}
