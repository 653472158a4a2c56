package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
)

// answers are the kinds of answers, in words.
var answers = []option{
	{Value: string(client.Answer2xx), Text: "2xx, success"}, {Value: string(client.Answer3xx), Text: "3xx, redirect"}, {Value: string(client.Answer4xx), Text: "4xx, refused"},
	{Value: string(client.Answer5xx), Text: "5xx, receiver failed"}, {Value: string(client.NoAnswer), Text: "No answer"},
}

// errorClasses are in the order of the select, the frequent ones first.
var errorClasses = []client.ErrorClass{
	client.ErrorTimeout, client.ErrorRefused, client.ErrorReset, client.ErrorDNS, client.ErrorTLS, client.ErrorBlocked, client.ErrorInvalidHTTP, client.ErrorStatus, client.ErrorInternal,
}

// errorWords are what each class is called in a list.
var errorWords = map[client.ErrorClass]string{
	client.ErrorTimeout: "Timed out", client.ErrorRefused: "Connection refused", client.ErrorReset: "Connection broke off", client.ErrorDNS: "Name not found",
	client.ErrorTLS: "TLS failed", client.ErrorBlocked: "Address not allowed", client.ErrorInvalidHTTP: "No valid HTTP", client.ErrorStatus: "No 2xx answer", client.ErrorInternal: "Internal error",
}

// heldShort says why a delivery is not being tried.
var heldShort = map[client.HeldReason]string{
	client.HeldEndpointDisabled: "endpoint is disabled", client.HeldBreakerOpen: "breaker is open", client.HeldMaxInFlight: "endpoint has enough in flight",
	client.HeldRateLimit: "rate limit", client.HeldSecretSealed: "secret can’t be read", client.HeldOrdering: "waits for the one before",
}

// deliveryRow is one of the list.
type deliveryRow struct {
	client.Delivery
	URL string // "" where the reader may not see endpoints, or it was deleted
}

// Outcome is what the last attempt came to.
func (r *deliveryRow) Outcome() string {
	switch {
	case r.StatusCode != nil && r.ErrorClass != nil && *r.ErrorClass != client.ErrorStatus:
		return strconv.Itoa(*r.StatusCode) + ", then: " + errorWords[*r.ErrorClass] // the body broke off
	case r.StatusCode != nil:
		return strconv.Itoa(*r.StatusCode) + " " + http.StatusText(*r.StatusCode)
	case r.ErrorClass != nil:
		return errorWords[*r.ErrorClass]
	}
	return ""
}

// ShortURL is what tells it from the others' at a glance.
func (r *deliveryRow) ShortURL() string {
	return strings.TrimPrefix(strings.TrimPrefix(r.URL, "https://"), "http://")
}

// Held is why it is not being tried; "" where it is.
func (r *deliveryRow) Held() string {
	if r.HeldReason == nil {
		return ""
	}
	return heldShort[*r.HeldReason]
}

// Took is from its creation to its end.
func (r *deliveryRow) Took() *float64 {
	if r.CompletedAt == nil {
		return nil
	}
	ms := max(0, float64(r.CompletedAt.Sub(r.CreatedAt))/float64(time.Millisecond))
	return &ms
}

// Over says whether it can be made again.
func (r *deliveryRow) Over() bool { return r.Status != client.DeliveryPending }
