package outbox

import (
	"context"
	"errors"
	"net/http"

	"github.com/postrider/postrider/client"
)

// runOnce sends one batch. More says that there was one.
func (r *Relay) runOnce(ctx context.Context) (more bool, err error) {
	batch, err := r.read(ctx)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	r.at(stepRead)
	var readable []waiting
	for _, w := range batch {
		if w.broken == nil {
			readable = append(readable, w)
			continue
		}
		if err := r.setAside(ctx, w, w.broken); err != nil {
			return false, err
		}
	}
	return true, r.send(ctx, readable)
}

// send sends events until each is accepted, and deleted, or set aside. After an error
// nothing that comes after may be sent.
func (r *Relay) send(ctx context.Context, batch []waiting) error {
	for len(batch) > 0 {
		err := r.request(ctx, batch)
		if err == nil {
			return r.remove(ctx, batch)
		}
		refused := client.Refusals(err, len(batch))
		switch {
		case !isRefusal(err):
			return err
		case len(refused) > 0:
			batch, err = r.takeOut(ctx, batch, refused)
		case len(batch) > 1:
			// It does not say which: halves tell, the first one first.
			half := len(batch) / 2
			err = r.send(ctx, batch[:half])
			batch = batch[half:]
		default:
			return r.setAside(ctx, batch[0], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Relay) request(ctx context.Context, batch []waiting) error {
	events := make([]client.NewEvent, len(batch))
	for i, w := range batch {
		events[i] = w.event
	}
	_, err := r.sender.DispatchBatch(ctx, events)
	if err == nil || isRefusal(err) {
		r.at(stepAnswered)
	}
	return err
}

// takeOut sets aside those that were refused and returns the others.
func (r *Relay) takeOut(ctx context.Context, batch []waiting, refused map[int]*client.Error) ([]waiting, error) {
	var rest []waiting
	for i, w := range batch {
		if refused[i] == nil {
			rest = append(rest, w)
			continue
		}
		if err := r.setAside(ctx, w, refused[i]); err != nil {
			return nil, err
		}
	}
	r.at(stepSetAside)
	return rest, nil
}

// isRefusal says that the events are to blame, or one of them. All else passes: an API
// that is away or busy, and also a key that is revoked or a proxy that answers for
// the API, which would otherwise set aside all that there is.
func isRefusal(err error) bool {
	var e *client.Error
	if !errors.As(err, &e) {
		return errors.Is(err, errUnreadable)
	}
	switch e.Code {
	case client.CodeInvalid, client.CodeMalformed, client.CodeTooLarge:
		return true
	}
	return e.Code == "" && e.Status == http.StatusRequestEntityTooLarge // a proxy takes less than the API
}
