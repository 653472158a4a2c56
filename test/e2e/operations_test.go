package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// operation is what a receiver of operational events gets.
type operation struct {
	ID          string
	Type        string
	WorkspaceID string `json:"workspace_id"`
	Data        struct {
		Object struct {
			WorkspaceID string `json:"workspace_id"`
			EndpointID  string `json:"endpoint_id"`
			URLHost     string `json:"url_host"`
			Reason      string
			StatusCode  int    `json:"status_code"`
			DeliveryID  string `json:"delivery_id"`
			EventID     string `json:"event_id"`
			EventType   string `json:"event_type"`
			Attempts    int
		}
	}
}

// operationsSetup is setup with a workspace that is told of the others' endpoints,
// at /ops.
func operationsSetup(t *testing.T) service {
	t.Helper()
	s := service{Stack: stack.New(t), r: stack.NewReceiver(t)}
	s.Env = append(s.Env, "POSTRIDER_OPERATIONS_WORKSPACE=ops")
	s.api = s.API(t)
	s.Admin(s.api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": "ops", "name": "Operations"}, http.StatusCreated, nil)
	s.Client(s.api, s.NewKey(t, s.api, "ops").Key).Endpoint(t, s.r, "/ops", stack.Settings{
		"events": []string{"endpoint.*", "delivery.*"},
	})
	s.c = s.Workspace(t, s.api)
	return s
}

// wantOperations waits for n different operational events and returns them by type.
func (s service) wantOperations(t *testing.T, n int) map[string]operation {
	t.Helper()
	byType := make(map[string]operation)
	ids := make(map[string]bool)
	stack.Eventually(t, "operational events arrive", func() bool {
		for _, a := range s.r.Arrivals("/ops") { // each of them verified
			var o operation
			if err := json.Unmarshal(a.Body, &o); err != nil {
				t.Fatal(err)
			}
			if o.ID != a.Event || !strings.HasPrefix(o.ID, "op_") || o.Type != a.Type || o.WorkspaceID != "ops" {
				t.Fatalf("an operational event is %s", a.Body)
			}
			byType[o.Type], ids[o.ID] = o, true
		}
		return len(ids) >= n
	})
	if len(ids) != n || len(byType) != n {
		t.Errorf("%d operational events of %d types arrived, want %d: %+v", len(ids), len(byType), n, byType)
	}
	return byType
}

func TestOperations(t *testing.T) {
	t.Parallel()

	t.Run("TellOfAnEndpointThatIsGoneAndOfADeliveryWithoutRetriesLeft", func(t *testing.T) {
		t.Parallel()
		s := operationsSetup(t)
		s.Worker(t)
		s.Scheduler(t)
		s.r.Script("/gone", stack.Times(10, stack.Status(http.StatusGone))...)
		s.r.Script("/broken", stack.Times(10, stack.Status(http.StatusBadGateway))...)
		gone := s.c.Endpoint(t, s.r, "/gone", stack.Settings{"events": []string{"gone"}})
		broken := s.c.Endpoint(t, s.r, "/broken", stack.Settings{"events": []string{"broken"}, "retry_schedule": []int{}})
		toGone, toBroken := s.c.Publish(t, "gone").ID, s.c.Publish(t, "broken").ID
		s.c.WaitSettled(t)
		told := s.wantOperations(t, 2)

		o := told["endpoint.disabled"].Data.Object
		if o.EndpointID != gone.ID || o.Reason != "gone" || o.StatusCode != http.StatusGone || o.EventID != toGone ||
			o.EventType != "gone" || o.DeliveryID != s.c.Deliveries(t, toGone)[0].ID || "http://"+o.URLHost != s.r.URL {
			t.Errorf("endpoint.disabled says %+v", o)
		}
		o = told["delivery.exhausted"].Data.Object
		if o.EndpointID != broken.ID || o.StatusCode != http.StatusBadGateway || o.Attempts != 1 || o.EventID != toBroken ||
			o.EventType != "broken" || o.DeliveryID != s.c.Deliveries(t, toBroken)[0].ID || o.WorkspaceID == "" {
			t.Errorf("delivery.exhausted says %+v", o)
		}
	})

	t.Run("AreNotLostWithTheirSchedulerAndNeverTellOfThemselves", func(t *testing.T) {
		t.Parallel()
		s := operationsSetup(t)
		s.Worker(t)
		s.Scheduler(t).Kill(t)
		// The workspace that is told has an endpoint that is worse.
		ops := s.Client(s.api, s.NewKey(t, s.api, "ops").Key)
		s.r.Script("/worse", stack.Times(10, stack.Status(http.StatusGone))...)
		worse := ops.Endpoint(t, s.r, "/worse", stack.Settings{"events": []string{"worse"}, "retry_schedule": []int{}})
		s.r.Script("/broken", stack.Times(10, stack.Status(http.StatusBadGateway))...)
		s.c.Endpoint(t, s.r, "/broken", stack.Settings{"retry_schedule": []int{}})
		ops.Publish(t, "worse")
		stack.Eventually(t, "the operations workspace's endpoint is disabled", func() bool {
			var e struct {
				IsActive bool `json:"is_active"`
			}
			ops.Call(t, http.MethodGet, "/v1/endpoints/"+worse.ID, nil, http.StatusOK, &e)
			return !e.IsActive
		})
		s.c.Publish(t, "broken")
		s.c.WaitSettled(t)
		s.Scheduler(t)
		// What came first would have been told first.
		if told := s.wantOperations(t, 1); told["delivery.exhausted"].ID == "" {
			t.Errorf("told %+v", told)
		}
	})
}
