package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
)

// stateWords say how an endpoint is: in a sentence, since and until when, and what is
// to be done.
type stateWords struct {
	Tone, Text   string
	Since, Until *time.Time
	// Next is what comes, or what to do.
	Next string
}

func stateOf(e *client.Endpoint, h *client.EndpointHealth) stateWords {
	next := "Each is tried again on its schedule."
	if len(e.RetrySchedule) == 0 {
		next = "It has no retries, so each of them failed for good."
	}
	switch h.State {
	case client.EndpointDisabled:
		return disabledWords(e)
	case client.EndpointBreakerOpen:
		return stateWords{
			Tone: "bad", Text: fmt.Sprintf("%s failed in a row, so its breaker is open: what is sent to it is held, and uses up no retries.", plural(int64(h.Failures), "attempt")),
			Since: h.FailingSince, Until: h.OpenUntil, Next: "After that one delivery is tried; if it succeeds, the others follow.",
		}
	case client.EndpointFailing:
		return stateWords{
			Tone: "warn", Text: fmt.Sprintf("%s failed in a row.", plural(int64(h.Failures), "attempt")),
			Since: h.FailingSince, Next: next,
		}
	}
	return heldWords(h)
}

func disabledWords(e *client.Endpoint) stateWords {
	w := stateWords{Tone: "mute", Text: "It is disabled: new events make no delivery to it.", Since: e.DisabledAt, Next: "Enable it, and then catch up on what it missed."}
	if e.DisabledReason == nil {
		return w
	}
	switch *e.DisabledReason {
	case client.DisabledGone:
		w.Text = "The receiver answered 410 Gone, which disabled it: new events make no delivery to it."
	case client.DisabledFailing:
		w.Text = "It kept failing for so long that it was disabled: new events make no delivery to it."
	case client.DisabledByUser:
		w.Text = "Somebody disabled it: new events make no delivery to it."
	}
	return w
}

// heldWords are of one that is well; deliveries may wait for it nevertheless.
func heldWords(h *client.EndpointHealth) stateWords {
	if h.HeldReason == nil {
		return stateWords{Tone: "good", Text: "Its last attempt succeeded, or there was none yet."}
	}
	text := map[client.HeldReason]string{
		client.HeldRateLimit:    "Deliveries wait for its rate limit.",
		client.HeldMaxInFlight:  "As many requests are in flight to it as may be; others wait.",
		client.HeldSecretSealed: "No worker has the key that decrypts its secrets, so deliveries wait: see secrets.key.",
		client.HeldBreakerOpen:  "What was held while it failed is being sent, more and more of it.",
		client.HeldOrdering:     "Deliveries wait for others of their ordering key.",
	}[*h.HeldReason]
	if text == "" {
		text = "Deliveries wait for it."
	}
	return stateWords{Tone: "info", Text: text}
}

// retries is a schedule in words.
func retries(schedule []int) string {
	if len(schedule) == 0 {
		return "no retries"
	}
	const shown = 6
	said := make([]string, 0, len(schedule))
	for _, s := range schedule {
		said = append(said, span(time.Duration(s)*time.Second))
	}
	if len(said) > shown {
		said = append(said[:shown], plural(int64(len(said)-shown), "more"))
		said[shown] = strings.TrimSuffix(said[shown], "s")
	}
	return "after " + strings.Join(said, ", ")
}

// cause is an error class in words.
func cause(class any) string {
	word := fmt.Sprint(deref(class))
	if c, ok := class.(*client.ErrorClass); ok && c != nil {
		word = string(*c)
	}
	if said, ok := errorWords[client.ErrorClass(word)]; ok {
		return said
	}
	return word
}
