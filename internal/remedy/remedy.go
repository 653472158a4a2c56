// Package remedy says in words why an attempt failed, or why a delivery waits, and
// what to do about it. It is what the console, the command line and
// docs/delivery-errors.md say, so that they say the same.
package remedy

import (
	"net/http"

	"github.com/postrider/postrider/client"
)

// Remedy is what something means and what helps, a sentence or two each.
type Remedy struct{ Means, Do string }

// Of an attempt that failed. status counts where the class is [client.ErrorStatus].
func Of(class client.ErrorClass, status int) Remedy {
	if class == client.ErrorStatus {
		return ofStatus(status)
	}
	return classes[class]
}

// Classes are all but status, which goes by the status.
func Classes() []client.ErrorClass {
	return []client.ErrorClass{
		client.ErrorTimeout, client.ErrorRefused, client.ErrorReset, client.ErrorDNS, client.ErrorTLS, client.ErrorBlocked, client.ErrorInvalidHTTP, client.ErrorInternal,
	}
}

var classes = map[client.ErrorClass]Remedy{
	client.ErrorTimeout: {
		"The receiver did not answer in time.",
		"Let it answer with a 2xx as soon as it has the event, and work on it afterwards. If it needs longer, raise the endpoint's timeout (60 s at the most).",
	},
	client.ErrorRefused: {
		"Nobody listens at that address and port, or no way leads there.",
		"See that the receiver runs and listens on the URL's port, and that no firewall is in between.",
	},
	client.ErrorReset: {
		"The receiver closed the connection before it had answered.",
		"Look in the log of the receiver, and of the proxy in front of it, for a crash, a restart or a limit at that time.",
	},
	client.ErrorDNS: {
		"The host in the URL has no address, or its name server does not answer.",
		"Check how the host is spelled, and the DNS records of its domain.",
	},
	client.ErrorTLS: {
		"No TLS connection came to be that can be trusted.",
		"Give the receiver a certificate that is valid for the URL's host, and let it send the whole chain with it. Diagnose the endpoint to see what it sends.",
	},
	client.ErrorBlocked: {
		"The URL leads to an address that may not be reached from here.",
		"Give the endpoint a public address. If the network is your own, whoever operates Postrider can list it in egress.allow.",
	},
	client.ErrorInvalidHTTP: {
		"What came back is no answer in HTTP/1.1.",
		"Check the scheme and the port in the URL: something else than a web server may listen there.",
	},
	client.ErrorInternal: {
		"The request could not be made; that is never the receiver's doing.",
		"Nothing on the receiver's side. The worker's log says why.",
	},
}

// Statuses are those that have a remedy of their own; of others the first digit counts.
func Statuses() []int {
	return []int{400, 401, 403, 404, 405, 408, 410, 413, 415, 422, 429, 500, 502, 503, 504}
}

func ofStatus(status int) Remedy {
	if a, ok := statuses[status]; ok {
		return a
	}
	if a, ok := kinds[status/100]; ok {
		return a
	}
	return unheard
}

var statuses = map[int]Remedy{
	http.StatusBadRequest:            unread,
	http.StatusUnprocessableEntity:   unread,
	http.StatusUnauthorized:          {"The receiver does not take the signature, or wants credentials.", "See that it has this endpoint's secret and verifies the body's very bytes: Verify tells which mistake it makes. If something in front of it wants credentials, add them to the endpoint's headers."},
	http.StatusForbidden:             {"The receiver, or something in front of it, does not let these requests pass.", "Look for a firewall, a bot filter or a check for CSRF on that path, and let signed requests through. It may also be how the receiver refuses a signature: Verify tells."},
	http.StatusNotFound:              {"The receiver has nothing at that path.", "Compare the URL's path with the receiver's route, down to the last slash."},
	http.StatusMethodNotAllowed:      {"The receiver takes no POST at that path.", "Compare the URL's path with the receiver's route, which has to take POST."},
	http.StatusRequestTimeout:        {"The receiver waited too long for the request.", "It may have too much to do, or read bodies slowly: look at its load and its limits."},
	http.StatusGone:                  {"The receiver wants no more events, so the endpoint is disabled.", "Enable the endpoint again when the receiver is back, and retry."},
	http.StatusRequestEntityTooLarge: {"The body is larger than the receiver takes.", "Raise its limit, and the one of the proxy in front of it (client_max_body_size in nginx): an event may have 1 MiB."},
	http.StatusUnsupportedMediaType:  {"The receiver does not take this content type.", "Let it take application/json, or application/cloudevents+json where that is the endpoint's format."},
	http.StatusTooManyRequests:       {"The receiver asks for fewer requests.", "Give the endpoint a rate_limit that it can keep up with. Its Retry-After is waited for, up to 24 hours."},
	http.StatusInternalServerError:   {"The receiver's program failed while it handled the event.", "Look in its log at the attempt's time; its answer may say more."},
	http.StatusBadGateway:            {"A proxy in front of the receiver could not reach it.", "See that the program behind the proxy runs, and look in the proxy's log."},
	http.StatusServiceUnavailable:    {"The receiver has too much to do, or is being maintained.", "Nothing, if it comes back soon: its Retry-After is waited for. Else give the endpoint a rate_limit or a lower max_in_flight."},
	http.StatusGatewayTimeout:        {"A proxy in front of the receiver waited for it in vain.", "Let the receiver answer with a 2xx as soon as it has the event, and work on it afterwards."},
}

var unread = Remedy{"The receiver did not understand the request.", "Its answer may say what it wants. Check that it expects the endpoint's format, and reads the body that is shown here."}

// unheard is of a status that HTTP does not have.
var unheard = Remedy{"The receiver answers with a status that HTTP does not have.", "Let it answer with a 2xx once it has the event. A proxy in front of it may have made this one: its documentation says what it means."}

// kinds are by a status's first digit.
var kinds = map[int]Remedy{
	1: {"The receiver changes the protocol, which nobody asked for.", "Check the URL: something else than a webhook's receiver may be there."},
	3: {"The receiver answers with a redirect, which is not followed.", "Set the endpoint's URL to where the redirect leads."},
	4: {"The receiver refuses the request.", "Its answer may say why. A retry is of use once the receiver or the endpoint was changed."},
	5: {"Something failed on the receiver's side.", "Look in its log, and in the log of the proxy in front of it, at the attempt's time."},
}

// Held says why a pending delivery is not being tried.
func Held(reason client.HeldReason) Remedy { return held[reason] }

// ForCustomer is the same for who has an endpoint and does not operate Postrider.
func (r Remedy) ForCustomer() Remedy {
	if do, ok := customers[r]; ok {
		r.Do = do
	}
	return r
}

// customers have neither a configuration nor a log.
var customers = map[Remedy]string{
	classes[client.ErrorBlocked]:  "Give the endpoint a public address.",
	classes[client.ErrorInternal]: "Nothing on your side. If it goes on, tell whoever sends you these events.",
	held[client.HeldSecretSealed]: "Nothing on your side. If it goes on, tell whoever sends you these events.",
}

var held = map[client.HeldReason]Remedy{
	client.HeldEndpointDisabled: {"The endpoint is disabled.", "It goes on once the endpoint is enabled."},
	client.HeldBreakerOpen:      {"The endpoint failed many times in a row, so it is spared.", "A single request finds out now and then whether it is back; then everything goes on. No attempt is used up meanwhile."},
	client.HeldMaxInFlight:      {"As many requests to the endpoint are on their way as it may get at once.", "It goes on when some of them have ended. A quicker receiver or a higher max_in_flight lets more pass."},
	client.HeldRateLimit:        {"The endpoint's rate limit is used up.", "It goes on when its turn comes."},
	client.HeldSecretSealed:     {"The endpoint's secret can't be read with the keys that the workers have.", "Whoever operates Postrider has to give the workers the key that it was sealed with (secrets.key)."},
	client.HeldOrdering:         {"Others of its ordering key are before it.", "It goes on when the one before it is delivered or has failed."},
}
