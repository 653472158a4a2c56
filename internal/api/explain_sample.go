package api

import (
	"encoding/json"
	"time"
)

// The samples of the description: an event that one endpoint got, one was too
// picky for and one subscribed to with a slip.

func sampleExplanation() eventExplanationWire {
	at := time.Date(2024, time.January, 15, 10, 30, 0, 0, time.UTC)
	status, accepted := 200, asOfAccepted
	return eventExplanationWire{
		EventID: "evt_01hm6cfy60nw8f6cdyx4kb5s3r", Type: "posts.created", AcceptedAt: at, WorkspaceID: "456", Deliveries: 1, PayloadKept: true,
		Data: []explanationWire{
			{
				EndpointID: "ep_01hm5a5hp0k2tqf8wzj1n9e7vd", Delivered: true, Matched: true,
				Delivery: &explainedDeliveryWire{
					ID: "dlv_01hm6cfy60t0zcq4v9a3xk8m2h", Status: "success", Attempts: 1, StatusCode: &status, CompletedAt: &at,
				},
				Now: forecastWire{Matched: true},
			},
			{EndpointID: "ep_01hm4x0a10f3sd8rj5vb6ty2qe", ReasonWire: sampleFilter(), AsOf: &accepted, Now: forecastWire{ReasonWire: sampleFilter()}},
			{EndpointID: "ep_01hm3p7mv0c9jn2kg4hw8ax5zb", ReasonWire: sampleType(), AsOf: &accepted, Now: forecastWire{ReasonWire: sampleType()}},
		},
	}
}

func sampleDryRun() dryRunWire {
	return dryRunWire{Type: "posts.created", Data: []dryRunItemWire{
		{EndpointID: "ep_01hm5a5hp0k2tqf8wzj1n9e7vd", Matched: true},
		{EndpointID: "ep_01hm4x0a10f3sd8rj5vb6ty2qe", ReasonWire: sampleFilter()},
		{EndpointID: "ep_01hm3p7mv0c9jn2kg4hw8ax5zb", ReasonWire: sampleType()},
	}}
}

func sampleFilter() ReasonWire {
	path, missing := "status", false
	out := reason(reasonFilterMismatch, "the payload's %q is not what the filter wants", path)
	out.Path, out.Missing = &path, &missing
	out.Wanted, out.Found = json.RawMessage(`"published"`), json.RawMessage(`"draft"`)
	return out
}

func sampleType() ReasonWire {
	nearest := "post.created"
	out := reason(reasonTypeMismatch, "the endpoint does not subscribe to posts.created; did you mean post.created?")
	out.NearestType = &nearest
	return out
}
