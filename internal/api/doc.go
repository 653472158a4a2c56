// Package api is the HTTP API: routes, keys and scopes, validation, problems
// and the OpenAPI description. Every route is one entry of a table, from which
// the handler and its description are both made, so they can't drift apart.
//
// huma holds the OpenAPI document, makes schemas from the types and routes to
// the standard mux. Bodies are decoded here and not by huma, for three reasons:
// errors carry JSON pointers, a body is read no further than its limit, and
// none of huma's package variables has to be replaced to get our own problems.
package api
