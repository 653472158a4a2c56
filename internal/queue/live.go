package queue

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// livePrefix and a workspace is the channel that its attempts are told on. Redis
// itself knows which of them somebody listens to.
const livePrefix = "postrider:live:"

// liveMessage is what a worker tells. A process of another release may read it: a
// field is added, never changed.
type liveMessage struct {
	Attempts []liveAttempt `json:"a"`
	LeftOut  int           `json:"left_out,omitempty"`
}

type liveAttempt struct {
	ID            string    `json:"id"`
	DeliveryID    string    `json:"delivery"`
	EndpointID    string    `json:"endpoint"`
	EventID       string    `json:"event"`
	EventType     string    `json:"type"`
	Number        int       `json:"number"`
	StartedAt     time.Time `json:"started"`
	Duration      int64     `json:"ns"`
	StatusCode    int       `json:"code,omitempty"`
	Error         string    `json:"error,omitempty"`
	ErrorClass    string    `json:"class,omitempty"`
	Status        string    `json:"status,omitempty"`
	NextAttemptAt time.Time `json:"next,omitzero"`
}

func encodeLive(batch *webhook.LiveAttempts) ([]byte, error) {
	m := liveMessage{LeftOut: batch.LeftOut, Attempts: make([]liveAttempt, len(batch.Attempts))}
	for i := range batch.Attempts {
		a := &batch.Attempts[i]
		m.Attempts[i] = liveAttempt{
			ID: a.ID.String(), DeliveryID: a.DeliveryID.String(), EndpointID: a.EndpointID.String(), EventID: a.EventID, EventType: a.EventType,
			Number: a.Number, StartedAt: a.StartedAt, Duration: int64(a.Duration), StatusCode: a.StatusCode, Error: a.Error,
			ErrorClass: string(a.ErrorClass), Status: string(a.Status), NextAttemptAt: a.NextAttemptAt,
		}
	}
	return json.Marshal(m)
}

func decodeLive(raw string) (webhook.LiveAttempts, error) {
	var m liveMessage
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		return webhook.LiveAttempts{}, fmt.Errorf("attempts that a worker told of can't be read: %w", err)
	}
	out := webhook.LiveAttempts{LeftOut: m.LeftOut, Attempts: make([]webhook.LiveAttempt, len(m.Attempts))}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		id, ok1 := webhook.ParseID("", a.ID)
		delivery, ok2 := webhook.ParseID("", a.DeliveryID)
		endpoint, ok3 := webhook.ParseID("", a.EndpointID)
		if !ok1 || !ok2 || !ok3 {
			return webhook.LiveAttempts{}, fmt.Errorf("an attempt that a worker told of has ids %.40q, %.40q and %.40q", a.ID, a.DeliveryID, a.EndpointID)
		}
		out.Attempts[i] = webhook.LiveAttempt{
			ID: id, DeliveryID: delivery, EndpointID: endpoint, EventID: a.EventID, EventType: a.EventType, Number: a.Number,
			StartedAt: a.StartedAt, Duration: time.Duration(a.Duration), StatusCode: a.StatusCode, Error: a.Error,
			ErrorClass: webhook.ErrorClass(a.ErrorClass), Status: webhook.Status(a.Status), NextAttemptAt: a.NextAttemptAt,
		}
	}
	return out, nil
}
