package console

import (
	"context"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// endpointPages are the parts of one endpoint's page, each with an address of its own.
func endpointPages() []page {
	const one = inWorkspace + "/endpoints/{id}"
	read, write := webhook.ScopeEndpointsRead, webhook.ScopeEndpointsWrite
	return []page{
		{method: "GET", path: one, scope: read, handle: endpointOverview},
		{method: "GET", path: one + "/live", scope: read, long: true, handle: endpointLive},
		{method: "GET", path: one + "/deliveries", scope: webhook.ScopeDeliveriesRead, handle: endpointDeliveries},
		{method: "GET", path: one + "/test", scope: write, handle: testForm},
		{method: "POST", path: one + "/test", scope: write, long: true, handle: sendTest},
		{method: "GET", path: one + "/diagnose", scope: write, handle: diagnoseForm},
		{method: "POST", path: one + "/diagnose", scope: write, long: true, handle: diagnose},
		{method: "GET", path: one + "/catch-up", scope: write, handle: catchUp},
		{method: "GET", path: one + "/catch-up/live", scope: write, long: true, handle: catchUpLive},
		{method: "POST", path: one + "/catch-up/count", scope: write, long: true, handle: countCatchUp},
		{method: "POST", path: one + "/catch-up", scope: write, long: true, handle: startCatchUp},
		{method: "POST", path: one + "/catch-up/{replay}/cancel", scope: webhook.ScopeDeliveriesWrite, handle: cancelCatchUp},
		{method: "GET", path: one + "/secret", scope: write, handle: secretPage},
		{method: "POST", path: one + "/secret", scope: write, handle: revealSecret},
		{method: "POST", path: one + "/secret/rotate", scope: write, handle: rotateSecret},
		{method: "POST", path: one + "/secret/promote", scope: write, handle: promoteSecret},
		{method: "GET", path: one + "/settings", scope: write, handle: editEndpoint},
		{method: "POST", path: one + "/settings", scope: write, handle: saveEndpoint},
		{method: "POST", path: one + "/delete", scope: write, handle: deleteEndpoint},
		{method: "POST", path: one + "/enable", scope: write, handle: switchEndpoint(true)},
		{method: "POST", path: one + "/disable", scope: write, handle: switchEndpoint(false)},
	}
}

// maxTitle is how much of a URL stands in a page's title, in characters.
const maxTitle = 80

// ofEndpoint is what every part of an endpoint's page has.
type ofEndpoint struct {
	Endpoint client.Endpoint
	Tabs     []tab
}

// Title is what the page is about.
func (o *ofEndpoint) Title() string { return short(o.Endpoint.URL, maxTitle) }

// ofEndpoint reads the endpoint and sets the way to its page. at is the tab's path.
func (v *visit) ofEndpoint(ctx context.Context, at string) (o ofEndpoint, err error) {
	o.Endpoint, err = v.api.Endpoints.Get(ctx, v.pathID())
	o.Tabs = v.endpointTabs(at)
	v.at(crumb{"Endpoints", v.Home() + "/endpoints"})
	return o, err
}

// endpointTabs are those that the reader may use.
func (v *visit) endpointTabs(at string) (tabs []tab) {
	for _, t := range []struct{ text, path, scope string }{
		{"Overview", "", "endpoints:read"}, {"Deliveries", "/deliveries", "deliveries:read"}, {"Test", "/test", "endpoints:write"},
		{"Diagnose", "/diagnose", "endpoints:write"}, {"Catch up", "/catch-up", "endpoints:write"}, {"Secret", "/secret", "endpoints:write"},
		{"Settings", "/settings", "endpoints:write"},
	} {
		if v.May(t.scope) {
			tabs = append(tabs, tab{t.text, v.Home() + v.endpointPath(t.path), t.path == at})
		}
	}
	return tabs
}

// endpointPath is a path below Home of the endpoint that the page is about.
func (v *visit) endpointPath(rest string) string { return "/endpoints/" + v.pathID() + rest }
