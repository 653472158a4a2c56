// Package signature signs webhooks and verifies them, in the two schemes that
// Postrider sends with every request. It needs nothing but the standard
// library; the worker that signs uses this very package.
//
// X-Webhook-Signature is "sha256=" and the hex HMAC-SHA256 of the raw body; its
// key is the whole secret, "whsec_" included. It proves who sent a body, not when.
//
// The webhook-id, webhook-timestamp and webhook-signature headers follow
// Standard Webhooks: "v1," and the base64 HMAC-SHA256 of id.timestamp.body; the
// key is what the secret's base64 says. The timestamp is signed, so an old
// request can't be sent again. Prefer it; [Middleware] does, and with
// [SchemeStandard] takes nothing else.
//
// A receiver is [Middleware] around a handler that gets its event from
// [EventFrom]; whoever has a server of another kind has [Verifier.Verify].
// Delivery is at least once: package idempotency knows an event that comes again.
// Package hooktest makes signed requests, right and wrong ones, for tests.
//
// Always verify the bytes that were received, before anything parses them.
package signature

// Headers of a webhook request. Read them with [net/http.Header.Get], which
// takes any case.
const (
	HeaderSignature = "X-Webhook-Signature"
	// HeaderTimestamp is the attempt's time in unix seconds; this copy is not signed.
	HeaderTimestamp = "X-Webhook-Timestamp"
	// HeaderID is the event's id, the same on every attempt and replay: the key
	// to tell a repeated delivery by.
	HeaderID       = "X-Webhook-ID"
	HeaderEvent    = "X-Webhook-Event"
	HeaderDelivery = "X-Webhook-Delivery"
	HeaderAttempt  = "X-Webhook-Attempt"

	HeaderStandardID        = "webhook-id"
	HeaderStandardTimestamp = "webhook-timestamp"
	HeaderStandardSignature = "webhook-signature"
)

const (
	secretPrefix   = "whsec_"
	bodyPrefix     = "sha256="
	standardPrefix = "v1,"
)
