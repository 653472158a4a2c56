package operations

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestPayloads(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)
	since := at.Add(-time.Hour).In(time.FixedZone("", 3600))
	id, endpoint, delivery := webhook.FirstID(at), webhook.FirstID(at.Add(time.Second)), webhook.FirstID(at.Add(2*time.Second))
	ep, dlv := endpoint.Format("ep_"), delivery.Format("dlv_")
	for name, tt := range map[string]struct {
		of   webhook.Operation
		data string
	}{
		"Failing": {
			webhook.Operation{WorkspaceID: "acme", URL: "https://user:secret@example.com:8443/hooks/secret?key=secret#secret", Detail: webhook.OperationDetail{
				Reason: "breaker_open", Failures: 20, FailingSince: &since, ErrorClass: webhook.ClassTimeout,
			}},
			`{"workspace_id":"acme","endpoint_id":"` + ep + `","url_host":"example.com:8443","reason":"breaker_open","failures":20,` +
				`"failing_since":"2026-03-01T09:30:00Z","error_class":"timeout"}`,
		},
		"ExhaustedInANumericWorkspace": {
			webhook.Operation{WorkspaceID: "456", URL: "https://example.com", DeliveryID: delivery, EventID: "order-7", EventType: "a.b", Detail: webhook.OperationDetail{
				Reason: "retries_exhausted", StatusCode: 503, ErrorClass: webhook.ClassStatus, Attempts: 4,
			}},
			`{"workspace_id":456,"endpoint_id":"` + ep + `","url_host":"example.com","delivery_id":"` + dlv + `","event_id":"order-7",` +
				`"event_type":"a.b","reason":"retries_exhausted","status_code":503,"error_class":"status","attempts":4}`,
		},
		"ExpiredOfAnEndpointThatIsGone": {
			webhook.Operation{WorkspaceID: "acme", Deliveries: 7, Day: time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC), Detail: webhook.OperationDetail{Reason: "expired"}},
			`{"workspace_id":"acme","endpoint_id":"` + ep + `","reason":"expired","deliveries":7,"day":"2026-01-30"}`,
		},
		"OfAURLThatCantBeRead": {
			webhook.Operation{WorkspaceID: "acme", URL: "https://exa mple/secret"},
			`{"workspace_id":"acme","endpoint_id":"` + ep + `"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tt.of
			o.ID, o.EndpointID, o.Type, o.OccurredAt = id, endpoint, "a.kind", at
			e, err := eventOf(&o)
			if err != nil {
				t.Fatal(err)
			}
			if string(e.Data) != tt.data {
				t.Errorf("got  %s\nwant %s", e.Data, tt.data)
			}
			if e.ID != "op_"+id.String() || !webhook.ValidEventID(e.ID) || e.Type != "a.kind" || !e.CreatedAt.Equal(at) {
				t.Errorf("the event is %+v", e)
			}
		})
	}
}
