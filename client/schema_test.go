package client

import (
	"go/ast"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// role is which way a schema's values go.
type role int

const (
	answered role = iota
	requested
	patched
)

// wire is the client's type of every schema.
var wire = map[string]struct {
	of   reflect.Type
	role role
}{
	"Accepted": {reflect.TypeFor[Accepted](), answered}, "AcceptedBatch": {reflect.TypeFor[publishedBatch](), answered},
	"Attempt": {reflect.TypeFor[Attempt](), answered}, "AuditEntry": {reflect.TypeFor[AuditEntry](), answered},
	"BatchInput": {reflect.TypeFor[newBatch](), requested}, "Delivery": {reflect.TypeFor[Delivery](), answered},
	"DeliveryRequest": {reflect.TypeFor[DeliveryRequest](), answered}, "VerifyInput": {reflect.TypeFor[VerifyInput](), requested},
	"SignatureVerdict": {reflect.TypeFor[SignatureVerdict](), answered}, "CheckedSignature": {reflect.TypeFor[CheckedSignature](), answered},
	"Diagnosis": {reflect.TypeFor[Diagnosis](), answered}, "DryRun": {reflect.TypeFor[DryRun](), answered},
	"DeliveriesReplayInput": {reflect.TypeFor[DeliveriesReplayInput](), requested},
	"DryRunItem":            {reflect.TypeFor[DryRunItem](), answered}, "Endpoint": {reflect.TypeFor[Endpoint](), answered},
	"EndpointInput": {reflect.TypeFor[EndpointInput](), requested}, "EndpointPatch": {reflect.TypeFor[EndpointPatch](), patched},
	"EndpointReplayInput": {reflect.TypeFor[EndpointReplayInput](), requested}, "Event": {reflect.TypeFor[Event](), answered},
	"EventExplanation": {reflect.TypeFor[EventExplanation](), answered}, "EventReplayInput": {reflect.TypeFor[EventReplayInput](), requested},
	"EventType": {reflect.TypeFor[EventType](), answered}, "EventTypeInput": {reflect.TypeFor[EventTypeInput](), requested},
	"ExplainInput": {reflect.TypeFor[ExplainInput](), requested}, "ExplainedDelivery": {reflect.TypeFor[ExplainedDelivery](), answered},
	"Explanation": {reflect.TypeFor[Explanation](), answered}, "FieldChange": {reflect.TypeFor[FieldChange](), answered},
	"Feed": {reflect.TypeFor[Feed](), answered}, "FeedEvent": {reflect.TypeFor[FeedEvent](), answered},
	"FieldError": {reflect.TypeFor[FieldError](), answered}, "Finding": {reflect.TypeFor[Step](), answered},
	"Forecast": {reflect.TypeFor[Forecast](), answered}, "Key": {reflect.TypeFor[Key](), answered},
	"KeyInput": {reflect.TypeFor[KeyInput](), requested}, "ListAttempt": {reflect.TypeFor[Page[Attempt]](), answered},
	"ListAuditEntry": {reflect.TypeFor[Page[AuditEntry]](), answered}, "ListDelivery": {reflect.TypeFor[Page[Delivery]](), answered},
	"EndpointCheck": {reflect.TypeFor[EndpointCheck](), answered}, "EndpointHealth": {reflect.TypeFor[EndpointHealth](), answered}, "ListEndpointHealth": {reflect.TypeFor[Page[EndpointHealth]](), answered},
	"PortalLink": {reflect.TypeFor[PortalLink](), answered}, "PortalLinkInput": {reflect.TypeFor[PortalLinkInput](), requested},
	"ListEndpoint": {reflect.TypeFor[Page[Endpoint]](), answered}, "ListEvent": {reflect.TypeFor[Page[Event]](), answered},
	"ListEventType": {reflect.TypeFor[Page[EventType]](), answered}, "ListKey": {reflect.TypeFor[Page[Key]](), answered},
	"ListStats":  {reflect.TypeFor[Page[Stats]](), answered},
	"ListReplay": {reflect.TypeFor[Page[Replay]](), answered}, "ListTemplate": {reflect.TypeFor[Page[EventTypeTemplate]](), answered},
	"ListWorkspace": {reflect.TypeFor[Page[Workspace]](), answered}, "NoInput": {reflect.TypeFor[struct{}](), requested},
	"Outcome": {reflect.TypeFor[Outcome](), answered}, "Problem": {reflect.TypeFor[Error](), answered},
	"PublishInput": {reflect.TypeFor[NewEvent](), requested}, "Quantiles": {reflect.TypeFor[Quantiles](), answered},
	"Replay": {reflect.TypeFor[Replay](), answered}, "ReplayCount": {reflect.TypeFor[ReplayCount](), answered},
	"RotateInput": {reflect.TypeFor[RotateInput](), requested}, "Rotated": {reflect.TypeFor[Rotated](), answered},
	"Secret": {reflect.TypeFor[Secret](), answered}, "Stats": {reflect.TypeFor[Stats](), answered},
	"StreamAttempt": {reflect.TypeFor[StreamAttempt](), answered}, "StreamEnd": {reflect.TypeFor[streamEnd](), answered},
	"StreamEvent": {reflect.TypeFor[StreamEvent](), answered}, "StreamGap": {reflect.TypeFor[StreamGap](), answered},
	"StatsCounts": {reflect.TypeFor[StatsCounts](), answered}, "StatsPart": {reflect.TypeFor[StatsPart](), answered},
	"Template": {reflect.TypeFor[EventTypeTemplate](), answered}, "Test": {reflect.TypeFor[TestResult](), answered},
	"TestInput": {reflect.TypeFor[TestInput](), requested}, "Workspace": {reflect.TypeFor[Workspace](), answered},
	"Mismatch": {reflect.TypeFor[Mismatch](), answered},
	"Queues":   {reflect.TypeFor[Queues](), answered}, "Queue": {reflect.TypeFor[QueueState](), answered}, "QueueWorker": {reflect.TypeFor[QueueWorker](), answered},
	"QueueSlots": {reflect.TypeFor[QueueSlots](), answered}, "Redis": {reflect.TypeFor[RedisMemory](), answered},
	"WorkspaceInput": {reflect.TypeFor[WorkspaceInput](), requested}, "WorkspacePatch": {reflect.TypeFor[WorkspacePatch](), patched},
}

// TestWireTypes holds the client's types to the API's description, which is made
// from what the API renders: neither has a field that the other lacks.
func TestWireTypes(t *testing.T) {
	t.Parallel()
	d, enums := describedAPI(t), constants(t)
	for name := range d.Components.Schemas {
		if _, ok := wire[name]; !ok {
			t.Errorf("the schema %s has no type in the client", name)
		}
	}
	for name, w := range wire {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.Components.Schemas[name]
			if s == nil {
				t.Fatal("is no schema of the API any more")
			}
			c := comparison{t: t, role: w.role, enums: enums}
			c.object(s, w.of)
		})
	}
}

// TestEveryWireTypeIsDescribed: a type with JSON tags that no schema is about would
// be held to nothing.
func TestEveryWireTypeIsDescribed(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"WhyNot": true} // embedded
	for _, w := range wire {
		known[strings.SplitN(w.of.Name(), "[", 2)[0]] = true
	}
	each(t, func(spec ast.Spec) {
		if typ, ok := spec.(*ast.TypeSpec); ok && hasTags(typ) && !known[typ.Name.Name] {
			t.Errorf("%s is the type of no schema", typ.Name.Name)
		}
	})
}

func hasTags(typ *ast.TypeSpec) bool {
	s, ok := typ.Type.(*ast.StructType)
	return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return f.Tag != nil })
}
