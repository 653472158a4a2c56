package console

import (
	"bytes"
	"reflect"
	"time"

	"github.com/postrider/postrider/client"
)

// deliveryEvery is how often a pending delivery is looked at for one reader: one row
// by its key, and the rest only when that has changed.
const deliveryEvery = 500 * time.Millisecond

// deliveryLive shows what becomes of a delivery until that is decided.
func deliveryLive(v *visit) error {
	var last client.Delivery
	var shown []byte
	return v.stream("delivery", deliveryEvery, func(out *bytes.Buffer) error {
		now, err := v.api.Deliveries.Get(v.ctx(), v.pathID())
		if err != nil {
			return err
		}
		if still := withoutPast(now, v.c.cfg.Now()); !reflect.DeepEqual(still, last) {
			if shown, err = v.deliveryNow(); err != nil {
				return err
			}
			last = still
		}
		out.Write(shown)
		if now.Status != client.DeliveryPending {
			return errSettled
		}
		return nil
	})
}

// withoutPast leaves out until when it is held where that is over: what holds it for
// longer is said to do so until now, which is another time at each look.
func withoutPast(d client.Delivery, now time.Time) client.Delivery {
	for _, at := range []**time.Time{&d.HeldUntil, &d.NextAttemptAt} {
		if *at != nil && (*at).Before(now.Add(time.Second)) {
			*at = &time.Time{}
		}
	}
	return d
}

func (v *visit) deliveryNow() ([]byte, error) {
	p, err := readDelivery(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = v.part(&out, "delivery", "delivery", p)
	return out.Bytes(), err
}
