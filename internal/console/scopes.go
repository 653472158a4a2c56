package console

import (
	"strings"

	"github.com/postrider/postrider/client"
)

// scopeWords is a scope for people: what it is called in a list, and all that it
// allows.
type scopeWords struct {
	Scope         client.Scope
	Short, Allows string
}

// scopes are all there are, in the order of the documentation.
var scopes = []scopeWords{
	{client.ScopeEventsWrite, "publish events", "Publish events, one or many."},
	{client.ScopeEventsRead, "read events", "Read events with their payloads, and why they reached an endpoint or not."},
	{client.ScopeEndpointsWrite, "change endpoints", "Create, change and delete endpoints and event types, show and rotate secrets, send tests, replay to an endpoint."},
	{client.ScopeEndpointsRead, "see endpoints", "See endpoints, how they are, and event types; no secrets."},
	{client.ScopeDeliveriesWrite, "retry deliveries", "Retry and cancel deliveries, send an event again."},
	{client.ScopeDeliveriesRead, "see deliveries", "See deliveries with their attempts, and the figures."},
}

// inWords is what a key may do.
func inWords(of []client.Scope) string {
	if len(of) == len(scopes) {
		return "Everything in this workspace"
	}
	var parts []string
	for _, s := range scopes {
		for _, has := range of {
			if has == s.Scope {
				parts = append(parts, s.Short)
			}
		}
	}
	text := strings.Join(parts, ", ")
	if text == "" {
		return "Nothing"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
