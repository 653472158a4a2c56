package console

import "github.com/postrider/postrider/client"

// badge is a status in a word and a colour, which is never alone in saying it.
type badge struct{ Tone, Text string }

// badgeOf knows every status there is.
func badgeOf(status any) badge {
	switch status {
	case client.EndpointHealthy:
		return badge{"good", "Healthy"}
	case client.EndpointFailing:
		return badge{"warn", "Failing"}
	case client.EndpointBreakerOpen:
		return badge{"bad", "Breaker open"}
	case client.EndpointDisabled:
		return badge{"mute", "Disabled"}
	case client.StepOK, client.VerdictOK:
		return badge{"good", "OK"}
	case client.StepWarn, client.VerdictWarn:
		return badge{"warn", "Look at it"}
	case client.StepFail, client.VerdictFail:
		return badge{"bad", "Failed"}
	case client.StepSkipped:
		return badge{"mute", "Not checked"}
	case client.DeliverySuccess:
		return badge{"good", "Delivered"}
	case client.DeliveryPending:
		return badge{"info", "Pending"}
	case client.DeliveryFailed:
		return badge{"bad", "Failed"}
	case client.DeliveryCanceled, client.ReplayCanceled:
		return badge{"mute", "Canceled"}
	case client.ReplayRunning:
		return badge{"info", "Running"}
	case client.ReplayDone:
		return badge{"good", "Done"}
	}
	return badge{"mute", "Unknown"}
}
