package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/postrider/postrider/client"
)

func retryDelivery(v *visit) error {
	_, err := v.api.Deliveries.Retry(v.ctx(), v.pathID())
	if p := v.notAgain(err); p != nil {
		return p
	}
	return v.backToDelivery(err, "retried")
}

// notAgain tells why a delivery whose status allows a retry can't have one: its
// endpoint or its payload is gone. It is nil for anything else.
func (v *visit) notAgain(err error) error {
	var refused *client.Error
	if client.CodeOf(err) != client.CodeNotRetryable || !errors.As(err, &refused) {
		return nil
	}
	d, err := v.api.Deliveries.Get(v.ctx(), v.pathID())
	if err != nil {
		return err
	}
	if !retryable(&d) {
		return nil // it was overtaken
	}
	return &problem{Status: http.StatusConflict, Title: "It can’t be delivered again", Detail: asSentence(refused.Detail)}
}

func cancelDelivery(v *visit) error {
	_, err := v.api.Deliveries.Cancel(v.ctx(), v.pathID())
	return v.backToDelivery(err, "canceled")
}

// backToDelivery shows the delivery as it is now. Who was overtaken by a worker, or
// by somebody else, sees that, and not an error.
func (v *visit) backToDelivery(err error, done string) error {
	switch client.CodeOf(err) {
	case client.CodeNotRetryable, client.CodeNotCancelable:
		return v.redirect("/deliveries/" + v.pathID() + "?done=overtaken")
	}
	if err != nil {
		return err
	}
	return v.redirect("/deliveries/" + v.pathID() + "?done=" + done)
}

// replayDelivery sends the event to the endpoint again, and leads to the new delivery.
func replayDelivery(v *visit) error {
	d, err := v.api.Deliveries.Get(v.ctx(), v.pathID())
	if err != nil {
		return err
	}
	ctx := v.ctx()
	if once := v.r.PostFormValue("once"); once != "" { // who sends the form twice has one delivery
		ctx = client.WithIdempotencyKey(ctx, once)
	}
	replay, err := v.api.Events.Replay(ctx, d.EventID, client.EventReplayInput{EndpointIDs: []string{d.EndpointID}})
	if err != nil {
		return err
	}
	all, err := v.api.Deliveries.List(v.ctx(), client.DeliveryFilter{EventID: d.EventID, EndpointID: d.EndpointID, Limit: 250})
	if err != nil {
		return err
	}
	for _, made := range all.Data {
		if made.ReplayID != nil && *made.ReplayID == replay.ID {
			return v.redirect("/deliveries/" + made.ID + "?done=replayed")
		}
	}
	return v.redirect("/deliveries/" + d.ID + "?done=replayed")
}

// downloadBody answers with the very bytes of an attempt's body, as a file.
func downloadBody(v *visit) error {
	got, err := v.api.Deliveries.Request(v.ctx(), v.pathID(), v.attempt())
	if err != nil {
		return err
	}
	if got.Body == nil {
		return &problem{Status: http.StatusGone, Title: "The payload is no longer kept", Detail: v.forWho("How long payloads are kept is in the configuration (retention.payloads).", "Payloads are kept for a shorter time than deliveries.")}
	}
	v.w.Header().Set("Content-Type", "application/octet-stream")
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+bodyFile+`"`)
	_, _ = v.w.Write([]byte(*got.Body)) // fails only when the reader is gone
	return nil
}

// attempt is the number that the address has; 0 is the newest.
func (v *visit) attempt() int {
	n, _ := strconv.Atoi(v.r.URL.Query().Get("attempt"))
	return n
}
