package deliver

import (
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// watchers watch workspace w.
type watchers struct {
	mu   sync.Mutex
	told []webhook.LiveAttempt
	by   webhook.WorkspaceID
}

func (w *watchers) Watched(ws webhook.WorkspaceID) bool { return ws == w.by }

func (w *watchers) Tell(_ webhook.WorkspaceID, a webhook.LiveAttempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, a)
}

func TestWatchers(t *testing.T) {
	t.Parallel()

	t.Run("AreToldOfEachAttemptOnceItIsRecorded", func(t *testing.T) {
		t.Parallel()
		w := &watchers{by: "w"}
		s := setup(t, func(s *stage) { s.cfg.Watchers = w })
		m := s.delivery(s.endpoint(), newTask)
		s.sender.answers(status(500))
		s.process(chunk(newTask, m))
		task := query[string](s, "SELECT task FROM deliveries WHERE id = $1", uuid(m.DeliveryID))
		s.change(m, "next_attempt_at = now()")
		s.sender.answers(status(200))
		s.process(chunk(task, m))
		if len(w.told) != 2 {
			t.Fatalf("told %+v", w.told)
		}
		failed, ok := w.told[0], w.told[1]
		if failed.DeliveryID != m.DeliveryID || failed.EndpointID != m.EndpointID || failed.EventID != m.EventID.Format(webhook.EventPrefix) ||
			failed.EventType != "a.b" || failed.Number != 1 || failed.StatusCode != 500 || failed.ErrorClass != webhook.ClassStatus ||
			failed.Status != webhook.StatusPending || time.Until(failed.NextAttemptAt) < 30*time.Second {
			t.Errorf("told %+v", failed)
		}
		if ok.Number != 2 || ok.StatusCode != 200 || ok.Error != "" || ok.Status != webhook.StatusSuccess || !ok.NextAttemptAt.IsZero() || ok.ID == failed.ID {
			t.Errorf("told %+v", ok)
		}
		s.wantsAttempt(m, 2, "id = '"+uuid(ok.ID)+"'")
	})

	t.Run("AreNotToldThatAnAttemptDecidedWhatItDidNot", func(t *testing.T) {
		t.Parallel()
		w := &watchers{by: "w"}
		s := setup(t, func(s *stage) { s.cfg.Watchers = w })
		m := s.delivery(s.endpoint(), newTask)
		s.sender.answers(func(int, webhook.Request) webhook.Response {
			s.change(m, "task = 'c_other'") // somebody else has it by now
			return webhook.Response{StatusCode: 500}
		})
		s.process(chunk(newTask, m))
		if len(w.told) != 1 || w.told[0].Status != "" || !w.told[0].NextAttemptAt.IsZero() {
			t.Errorf("told %+v", w.told)
		}
	})

	t.Run("OfAnotherWorkspaceAreToldNothing", func(t *testing.T) {
		t.Parallel()
		w := &watchers{by: "other"}
		s := setup(t, func(s *stage) { s.cfg.Watchers = w })
		s.process(chunk(newTask, s.delivery(s.endpoint(), newTask)))
		if len(w.told) != 0 {
			t.Errorf("told %+v", w.told)
		}
	})
}
