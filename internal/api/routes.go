package api

import (
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// testTimeout leaves an endpoint its whole timeout, 60 s at most.
const testTimeout = 75 * time.Second

// diagnoseTimeout leaves it that for two requests, one after the other.
const diagnoseTimeout = 150 * time.Second

// routes is the API: handlers and description are made from it.
func (s *server) routes() []route {
	var all []route
	all = append(all, s.workspaceRoutes()...)
	all = append(all, s.portalRoutes()...)
	all = append(all, s.eventRoutes()...)
	all = append(all, s.explainRoutes()...)
	all = append(all, s.eventTypeRoutes()...)
	all = append(all, s.endpointRoutes()...)
	all = append(all, s.replayRoutes()...)
	all = append(all, s.deliveryRoutes()...)
	all = append(all, s.statsRoutes()...)
	all = append(all, s.feedRoutes()...)
	all = append(all, s.streamRoutes()...)
	all = append(all, s.queueRoutes()...)
	return append(all, s.auditRoutes()...)
}

func (s *server) workspaceRoutes() []route {
	return []route{
		{
			method: http.MethodPost, path: "/v1/workspaces", id: "createWorkspace", tag: tagWorkspaces, access: adminOnly,
			summary: "Create a workspace", doc: "The id is the caller's choice or generated, and lasts: it can't be changed or used again.", body: &bodySpec{example: workspaceInput{}, required: true, limit: defaultBodyLimit},
			status: http.StatusCreated, answer: workspaceWire{}, codes: []webhook.Code{webhook.CodeConflict}, handle: s.createWorkspace,
		}, {
			method: http.MethodGet, path: "/v1/workspaces", id: "listWorkspaces", tag: tagWorkspaces, access: adminOnly,
			summary: "List workspaces", doc: "All of them, newest first.", query: pageParams(), status: http.StatusOK, answer: list[workspaceWire]{}, handle: s.listWorkspaces,
		}, {
			method: http.MethodGet, path: "/v1/workspaces/{id}", id: "getWorkspace", tag: tagWorkspaces, access: adminOnly,
			summary: "Get a workspace", doc: "By its id.", status: http.StatusOK, answer: workspaceWire{}, handle: s.getWorkspace,
		}, {
			method: http.MethodPatch, path: "/v1/workspaces/{id}", id: "updateWorkspace", tag: tagWorkspaces, access: adminOnly,
			summary: "Change a workspace", doc: "A merge patch (RFC 7396). Its id can't change.", body: &bodySpec{example: workspacePatch{}, required: true, limit: defaultBodyLimit, patch: true},
			status: http.StatusOK, answer: workspaceWire{}, handle: s.patchWorkspace,
		}, {
			method: http.MethodDelete, path: "/v1/workspaces/{id}", id: "deleteWorkspace", tag: tagWorkspaces, access: adminOnly,
			summary: "Delete a workspace", doc: "Its keys stop working and its endpoints go with it. The id can't be used again.",
			status: http.StatusNoContent, handle: s.deleteWorkspace,
		}, {
			method: http.MethodPost, path: "/v1/workspaces/{id}/keys", id: "createKey", tag: tagKeys, access: adminOnly,
			summary: "Create a workspace's key", doc: "The key is in this answer and never shown again. It opens this workspace only.", body: &bodySpec{example: keyInput{}, required: true, limit: defaultBodyLimit},
			status: http.StatusCreated, answer: keyWire{}, handle: s.createKey,
		}, {
			method: http.MethodGet, path: "/v1/workspaces/{id}/keys", id: "listKeys", tag: tagKeys, access: adminOnly,
			summary: "List a workspace's keys", doc: "Those that were not revoked, newest first. The keys themselves are not kept.", query: pageParams(), status: http.StatusOK, answer: list[keyWire]{}, handle: s.listKeys,
		}, {
			method: http.MethodDelete, path: "/v1/workspaces/{id}/keys/{key_id}", id: "revokeKey", tag: tagKeys, access: adminOnly,
			summary: "Revoke a key", doc: "It fails within 2 seconds on every process.",
			status: http.StatusNoContent, handle: s.revokeKey,
		},
	}
}

func (s *server) eventRoutes() []route {
	return []route{
		{
			method: http.MethodPost, path: "/v1/events", id: "publishEvent", tag: tagEvents, scope: webhook.ScopeEventsWrite,
			summary: "Publish an event", doc: "A 202 means that the event and its deliveries are committed.",
			body:   &bodySpec{example: publishInput{}, required: true, copied: true, limit: webhook.MaxEventBytes},
			status: http.StatusAccepted, also: map[int]string{http.StatusOK: "An event with this id was accepted before; nothing is sent again."},
			answer: acceptedWire{}, lazyWorkspace: true, grouped: true, waits: webhook.MaxWait, together: s.publishOnce, handle: s.publish,
		}, {
			method: http.MethodPost, path: "/v1/events/batch", id: "publishEvents", tag: tagEvents, scope: webhook.ScopeEventsWrite,
			summary: "Publish up to 1000 events, all or none", doc: "They are committed together. One that is refused refuses all of them.", body: &bodySpec{example: batchInput{}, required: true, copied: true, limit: webhook.MaxBatchBytes},
			status: http.StatusAccepted, answer: acceptedBatchWire{}, lazyWorkspace: true, grouped: true, handle: s.publishBatch,
		}, {
			method: http.MethodGet, path: "/v1/events", id: "listEvents", tag: tagEvents, scope: webhook.ScopeEventsRead,
			summary: "List events", doc: "By the time of acceptance. A page of large events, or of a type that is rare, may end before its limit, or be empty, though more is behind it: next_cursor says so.",
			query: append(pageParams(), typeParam(), sinceParam(), untilParam()), status: http.StatusOK, answer: list[eventWire]{}, handle: s.listEvents,
		}, {
			method: http.MethodGet, path: "/v1/events/{id}", id: "getEvent", tag: tagEvents, scope: webhook.ScopeEventsRead,
			summary: "Get an event", doc: "By the caller's own id or ours, with its payload as long as that is kept.", status: http.StatusOK, answer: eventWire{}, handle: s.getEvent,
		}, {
			method: http.MethodGet, path: "/v1/events/{id}/deliveries", id: "listEventDeliveries", tag: tagEvents, scope: webhook.ScopeDeliveriesRead,
			summary: "List an event's deliveries", doc: "Newest first; those of replays, too. since and until go by when the event was accepted.", query: deliveryParams(), status: http.StatusOK, answer: list[deliveryWire]{}, handle: s.listEventDeliveries,
		}, {
			method: http.MethodPost, path: "/v1/events/{id}/replay", id: "replayEvent", tag: tagReplays, scope: webhook.ScopeDeliveriesWrite,
			summary: "Deliver an event again",
			doc:     "New deliveries of the same bytes, with the same X-Webhook-ID. The replay in the answer is done; its deliveries are on their way.",
			body:    &bodySpec{example: eventReplayInput{}, limit: defaultBodyLimit},
			status:  http.StatusAccepted, answer: replayWire{}, located: true, codes: []webhook.Code{webhook.CodeNotRetryable}, handle: s.replayEvent,
		},
	}
}

func (s *server) replayRoutes() []route {
	return []route{
		{
			method: http.MethodPost, path: "/v1/endpoints/{id}/replay", id: "replayEndpoint", tag: tagReplays, scope: webhook.ScopeEndpointsWrite,
			summary: "Deliver to an endpoint again",
			doc: "Makes new deliveries of stored events in the background, one of an event at the most, and leaves out those whose payload is no longer kept. " +
				"They go after what is live.",
			body:   &bodySpec{example: endpointReplayInput{}, required: true, limit: defaultBodyLimit},
			status: http.StatusAccepted, answer: replayWire{}, located: true, other: map[int]any{http.StatusOK: replayCountWire{}}, timeout: countTimeout, handle: s.replayEndpoint,
		}, {
			method: http.MethodPost, path: "/v1/replays", id: "replayDeliveries", tag: tagReplays, scope: webhook.ScopeDeliveriesWrite,
			summary: "Deliver deliveries again",
			doc: "Makes new deliveries, in the background, of the same bytes, with the same X-Webhook-ID and to the same endpoints as those that are named. " +
				"They go after what is live.",
			body:   &bodySpec{example: deliveriesReplayInput{}, required: true, limit: defaultBodyLimit},
			status: http.StatusAccepted, answer: replayWire{}, located: true, handle: s.replayDeliveries,
		}, {
			method: http.MethodGet, path: "/v1/replays", id: "listReplays", tag: tagReplays, scope: webhook.ScopeDeliveriesRead,
			summary: "List replays", doc: "Newest first, with how far they are.", query: pageParams(), status: http.StatusOK, answer: list[replayWire]{}, handle: s.listReplays,
		}, {
			method: http.MethodGet, path: "/v1/replays/{id}", id: "getReplay", tag: tagReplays, scope: webhook.ScopeDeliveriesRead,
			summary: "Get a replay", doc: "How far it is, and how fast.", status: http.StatusOK, answer: replayWire{}, handle: s.getReplay,
		}, {
			method: http.MethodPost, path: "/v1/replays/{id}/cancel", id: "cancelReplay", tag: tagReplays, scope: webhook.ScopeDeliveriesWrite,
			summary: "Stop a replay", doc: "It makes no more deliveries. Those that it made go on. 409 when it has ended.",
			body:   &bodySpec{example: noInput{}, limit: defaultBodyLimit},
			status: http.StatusAccepted, answer: replayWire{}, codes: []webhook.Code{webhook.CodeConflict}, handle: s.cancelReplay,
		},
	}
}

func (s *server) explainRoutes() []route {
	query := append(pageParams(), param{name: "endpoint_id", doc: "Only this endpoint.", example: "ep_" + sampleText})
	return []route{
		{
			method: http.MethodGet, path: "/v1/events/{id}/explain", id: "explainEvent", tag: tagEvents, scope: webhook.ScopeEventsRead,
			summary: "Explain why an event reached its endpoints, or not",
			doc:     "For each endpoint of the workspace, newest first: whether the event was delivered, else the first reason why not, and what would become of it now.",
			query:   query, status: http.StatusOK, answer: eventExplanationWire{}, sample: sampleExplanation(), handle: s.explainEvent,
		}, {
			method: http.MethodPost, path: "/v1/explain", id: "explainDryRun", tag: tagEvents, scope: webhook.ScopeEventsRead,
			summary: "Explain what would become of an event", doc: "A dry run: nothing is stored and nothing is sent.",
			query: query, body: &bodySpec{example: explainInput{}, required: true, limit: webhook.MaxEventBytes},
			status: http.StatusOK, answer: dryRunWire{}, sample: sampleDryRun(), handle: s.dryRun,
		},
	}
}

func (s *server) eventTypeRoutes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/v1/event-types", id: "listEventTypes", tag: tagEventTypes, scope: webhook.ScopeEndpointsRead,
			summary: "List event types", doc: "A page with large schemas may end before its limit.",
			query: pageParams(), status: http.StatusOK, answer: list[eventTypeWire]{}, handle: s.listEventTypes,
		}, {
			method: http.MethodGet, path: "/v1/event-types/{name}", id: "getEventType", tag: tagEventTypes, scope: webhook.ScopeEndpointsRead,
			summary: "Get an event type", doc: "By its name.", status: http.StatusOK, answer: eventTypeWire{}, handle: s.getEventType,
		}, {
			method: http.MethodPut, path: "/v1/event-types/{name}", id: "putEventType", tag: tagEventTypes, scope: webhook.ScopeEndpointsWrite,
			summary: "Create or replace an event type",
			doc:     "Replaced whole: what is left out has its default. When it is acknowledged, every process holds events against it. At most 1000 in a workspace.",
			body:    &bodySpec{example: eventTypeInput{}, required: true, limit: defaultBodyLimit},
			status:  http.StatusOK, also: map[int]string{http.StatusCreated: "Created: there was none of this name."},
			answer: eventTypeWire{}, codes: []webhook.Code{webhook.CodeConflict}, handle: s.putEventType,
		}, {
			method: http.MethodDelete, path: "/v1/event-types/{name}", id: "deleteEventType", tag: tagEventTypes, scope: webhook.ScopeEndpointsWrite,
			summary: "Delete an event type", doc: "Its events are published as before, but held against nothing.",
			status: http.StatusNoContent, handle: s.deleteEventType,
		}, {
			method: http.MethodGet, path: "/v1/event-type-templates", id: "listEventTypeTemplates", tag: tagEventTypes, scope: webhook.ScopeEndpointsRead,
			summary: "Event types to start from", doc: "The five that most resources have: created, updated, deleted, published and archived. Nothing is stored; a PUT does that.",
			query: []param{{name: "resource", doc: "What the events are about.", pattern: patternEventType, required: true, example: "post"}}, status: http.StatusOK, answer: list[templateWire]{}, handle: s.listTemplates,
		},
	}
}

func (s *server) endpointRoutes() []route {
	return []route{
		{
			method: http.MethodPost, path: "/v1/endpoints", id: "createEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Create an endpoint", doc: "The secret is in this answer.",
			body:   &bodySpec{example: endpointInput{}, required: true, limit: defaultBodyLimit},
			status: http.StatusCreated, answer: endpointWire{}, codes: []webhook.Code{webhook.CodeWeakSecret}, handle: s.createEndpoint,
		}, {
			method: http.MethodPost, path: "/v1/endpoint-checks", id: "checkEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Check an endpoint before it is created", doc: "Says what its creation would, and creates nothing: for forms that help while they are filled in.",
			body:   &bodySpec{example: endpointInput{}, required: true, limit: defaultBodyLimit},
			status: http.StatusOK, answer: endpointCheckWire{}, handle: s.checkEndpoint,
		}, {
			method: http.MethodGet, path: "/v1/endpoints", id: "listEndpoints", tag: tagEndpoints, scope: webhook.ScopeEndpointsRead,
			summary: "List endpoints", doc: "Newest first. A page of what is rare may end before its limit, or be empty, though more is behind it: next_cursor says so.",
			query: append(pageParams(), endpointFilterParams()...), status: http.StatusOK, answer: list[endpointWire]{}, handle: s.listEndpoints,
		}, {
			method: http.MethodGet, path: "/v1/endpoint-health", id: "listEndpointHealth", tag: tagEndpoints, scope: webhook.ScopeEndpointsRead,
			summary: "List how endpoints are", doc: "Which of them fail, and what their breakers do; in the order of the endpoints' list, newest first.",
			query:  append(append(pageParams(), endpointFilterParams()...), param{name: "endpoint_id", doc: "Only this endpoint.", example: "ep_" + sampleText}),
			status: http.StatusOK, answer: list[endpointHealthWire]{}, handle: s.listEndpointHealth,
		}, {
			method: http.MethodGet, path: "/v1/endpoints/{id}", id: "getEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsRead,
			summary: "Get an endpoint", doc: "Without its secret, and with its headers' values hidden.", status: http.StatusOK, answer: endpointWire{}, handle: s.getEndpoint,
		}, {
			method: http.MethodPatch, path: "/v1/endpoints/{id}", id: "updateEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Change an endpoint", doc: "A merge patch (RFC 7396): null brings a field's default back. events and filters are replaced whole.",
			body:   &bodySpec{example: endpointPatch{}, required: true, limit: defaultBodyLimit, patch: true},
			status: http.StatusOK, answer: endpointWire{}, codes: []webhook.Code{webhook.CodeWeakSecret}, handle: s.patchEndpoint,
		}, {
			method: http.MethodDelete, path: "/v1/endpoints/{id}", id: "deleteEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Delete an endpoint", doc: "Its secret is wiped; what is still pending for it is canceled.",
			status: http.StatusNoContent, handle: s.deleteEndpoint,
		}, {
			method: http.MethodGet, path: "/v1/endpoints/{id}/secret", id: "getEndpointSecret", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Show an endpoint's secret", doc: "While it rotates: both, and until when.", status: http.StatusOK, answer: secretWire{}, handle: s.getSecret,
		}, {
			method: http.MethodPost, path: "/v1/endpoints/{id}/secret/rotate", id: "rotateEndpointSecret", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Rotate an endpoint's secret",
			doc: "During the overlap webhook-signature has both secrets' signatures, newest first. X-Webhook-Signature stays with the old secret until expires_at, " +
				"a promotion, or a 401 that turns into a 2xx when the request is made once more with the new secret. " +
				"A second rotation in the overlap replaces the newer secret.",
			body:   &bodySpec{example: rotateInput{}, limit: defaultBodyLimit},
			status: http.StatusOK, answer: rotatedWire{}, codes: []webhook.Code{webhook.CodeWeakSecret}, handle: s.rotateSecret,
		}, {
			method: http.MethodPost, path: "/v1/endpoints/{id}/secret/promote", id: "promoteEndpointSecret", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Make an endpoint's new secret its only one", doc: "The old one signs nothing any more. 409 when none rotates.",
			body:   &bodySpec{example: noInput{}, limit: defaultBodyLimit},
			status: http.StatusOK, answer: secretWire{}, codes: []webhook.Code{webhook.CodeConflict}, handle: s.promoteSecret,
		}, {
			method: http.MethodPost, path: "/v1/endpoints/{id}/test", id: "testEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Send a test request now", doc: "One signed request. It counts as no event and is never retried.",
			body:   &bodySpec{example: testInput{}, copied: true, limit: webhook.MaxEventBytes},
			status: http.StatusOK, answer: testWire{}, timeout: testTimeout, handle: s.testEndpoint,
		}, {
			method: http.MethodPost, path: "/v1/endpoints/{id}/diagnose", id: "diagnoseEndpoint", tag: tagEndpoints, scope: webhook.ScopeEndpointsWrite,
			summary: "Find out why webhooks do not arrive",
			doc: "Goes the whole way: URL, DNS, TCP, TLS, and two requests, a signed one and one with a forged signature, which a receiver must refuse. " +
				"They count as no event.",
			body:   &bodySpec{example: noInput{}, limit: defaultBodyLimit},
			status: http.StatusOK, answer: diagnosisWire{}, timeout: diagnoseTimeout, handle: s.diagnoseEndpoint,
		}, {
			method: http.MethodGet, path: "/v1/endpoints/{id}/deliveries", id: "listEndpointDeliveries", tag: tagEndpoints, scope: webhook.ScopeDeliveriesRead,
			summary: "List an endpoint's deliveries", doc: listDoc, query: deliveryParams(), status: http.StatusOK, answer: list[deliveryWire]{}, handle: s.listEndpointDeliveries,
		},
	}
}

func (s *server) deliveryRoutes() []route {
	none := func() *bodySpec { return &bodySpec{example: noInput{}, limit: defaultBodyLimit} }
	return []route{
		{
			method: http.MethodGet, path: "/v1/deliveries", id: "listDeliveries", tag: tagDeliveries, scope: webhook.ScopeDeliveriesRead,
			summary: "List deliveries", doc: listDoc, query: append(deliveryParams(), param{name: "endpoint_id", doc: "Only this endpoint's.", example: "ep_" + sampleText},
				param{name: "event_id", doc: "Only this event's; the caller's own id will do.", example: "evt_" + sampleText}),
			status: http.StatusOK, answer: list[deliveryWire]{}, handle: s.listDeliveries,
		}, {
			method: http.MethodGet, path: "/v1/deliveries/{id}", id: "getDelivery", tag: tagDeliveries, scope: webhook.ScopeDeliveriesRead,
			summary: "Get a delivery", doc: "With what the last attempt got for an answer.", status: http.StatusOK, answer: deliveryWire{}, handle: s.getDelivery,
		}, {
			method: http.MethodGet, path: "/v1/deliveries/{id}/attempts", id: "listAttempts", tag: tagDeliveries, scope: webhook.ScopeDeliveriesRead,
			summary: "List a delivery's attempts", doc: "Newest first: what was sent, without secrets, and what came back.", query: pageParams(), status: http.StatusOK, answer: list[attemptWire]{}, handle: s.listAttempts,
		}, {
			method: http.MethodGet, path: "/v1/deliveries/{id}/request", id: "getDeliveryRequest", tag: tagDeliveries, scope: webhook.ScopeEventsRead,
			summary: "Get the body of a delivery's requests", doc: "Byte for byte what was signed and sent, in the endpoint's format. The headers are the attempt's.",
			query: []param{attemptParam()}, status: http.StatusOK, answer: deliveryRequestWire{}, handle: s.getDeliveryRequest,
		}, {
			method: http.MethodPost, path: "/v1/deliveries/{id}/verify", id: "verifyDelivery", tag: tagDeliveries, scope: webhook.ScopeEndpointsWrite,
			summary: "Find out which mistake makes a signature wrong",
			doc: "Judges what a receiver got, or the signature that it computed, by the endpoint's secrets and by what was sent. Nothing is sent and no secret is shown; " +
				"whoever may not see the secret may not ask, for the answers tell what a right signature is.",
			body:   &bodySpec{example: verifyInput{}, limit: webhook.MaxEventBytes * 2},
			status: http.StatusOK, answer: signatureVerdictWire{}, codes: []webhook.Code{webhook.CodeConflict}, handle: s.verifyDelivery,
		}, {
			method: http.MethodPost, path: "/v1/deliveries/{id}/retry", id: "retryDelivery", tag: tagDeliveries, scope: webhook.ScopeDeliveriesWrite,
			summary: "Try a failed or canceled delivery again", doc: "It starts a fresh schedule; attempt numbers go on.", body: none(),
			status: http.StatusAccepted, answer: deliveryWire{}, codes: []webhook.Code{webhook.CodeNotRetryable}, handle: s.retryDelivery,
		}, {
			method: http.MethodPost, path: "/v1/deliveries/{id}/cancel", id: "cancelDelivery", tag: tagDeliveries, scope: webhook.ScopeDeliveriesWrite,
			summary: "Cancel a pending delivery", doc: "A request that is under way may still succeed.", body: none(),
			status: http.StatusAccepted, answer: deliveryWire{}, codes: []webhook.Code{webhook.CodeNotCancelable}, handle: s.cancelDelivery,
		},
	}
}

const listDoc = "Newest first, by the time when their events were accepted. A page that is filtered by anything but an endpoint, an event, a time, failed or canceled may end before its limit, or be empty, though more is behind it: next_cursor says so."

func pageParams() []param {
	return []param{
		{name: "limit", doc: "How many at most.", integer: true},
		{name: "cursor", doc: "The next_cursor of the page before."},
	}
}

func deliveryParams() []param {
	var statuses []any
	for _, s := range webhook.Statuses() {
		statuses = append(statuses, string(s))
	}
	return append(pageParams(), param{name: "status", doc: "Only deliveries with this status.", enum: statuses}, typeParam(), sinceParam(), untilParam(),
		param{name: "status_class", doc: "Only deliveries whose last attempt got such an answer; none is no answer. Those that were not tried yet are of no class.", enum: namesOf(webhook.StatusClasses())},
		param{name: "error_class", doc: "Only deliveries whose last attempt failed for this reason.", enum: namesOf(webhook.ErrorClasses())})
}

func namesOf[S ~string](all []S) (out []any) {
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

func typeParam() param {
	return param{name: "type", doc: "Only events of exactly this type.", pattern: patternEventType, example: "post.created"}
}

func sinceParam() param {
	return param{name: "since", doc: "Only what was accepted at this time or later.", format: "date-time", example: "2024-01-15T00:00:00Z"}
}

func untilParam() param {
	return param{name: "until", doc: "Only what was accepted before this time.", format: "date-time", example: "2024-01-16T00:00:00Z"}
}
