package api

import (
	"fmt"
	"strconv"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// optionsParser reads the fields of a publish that say more than what the event
// is. It stays small: events without them pay a comparison of names.
type optionsParser struct {
	pointer string
	// alone: the event is no batch's, and its publisher may wait.
	alone                             bool
	targets, deliverAt, key, waitSeen bool
	wait                              *time.Duration
}

// read is not known for any other field, and again for one that was given before.
func (p *optionsParser) read(key string, value []byte, o *webhook.Options) (known, again bool, bad []webhook.FieldError) {
	switch key {
	case "endpoint_ids":
		again, p.targets = p.targets, true
		bad = p.readTargets(value, o)
	case "deliver_at":
		again, p.deliverAt = p.deliverAt, true
		bad = p.readDeliverAt(value, o)
	case "ordering_key":
		again, p.key = p.key, true
		bad = p.readOrderingKey(value, o)
	case "wait":
		again, p.waitSeen = p.waitSeen, true
		bad = p.readWait(value)
	default:
		return false, false, nil
	}
	return true, again, bad
}

const noEndpoint = "is no endpoint of the workspace"

func (p *optionsParser) readTargets(value []byte, o *webhook.Options) []webhook.FieldError {
	if isNull(value) {
		return nil
	}
	var all [][]byte
	if value[0] == '[' {
		all = elements(value, webhook.MaxTargets)
	}
	if len(all) == 0 || len(all) > webhook.MaxTargets {
		return p.fail("/endpoint_ids", "must be an array of 1 to %d endpoint ids", webhook.MaxTargets)
	}
	var bad []webhook.FieldError
	o.Targets = make([]webhook.ID, len(all))
	for i, text := range all {
		id, ok := webhook.ParseID(webhook.EndpointPrefix, textOf(text))
		if !ok || id.IsZero() {
			bad = append(bad, p.fail(item("/endpoint_ids", i), noEndpoint)...)
		}
		o.Targets[i] = id
	}
	return bad
}

func (p *optionsParser) readDeliverAt(value []byte, o *webhook.Options) []webhook.FieldError {
	if isNull(value) {
		return nil
	}
	t, err := parseTime(textOf(value))
	if err != nil {
		return p.fail("/deliver_at", "%v", err)
	}
	o.DeliverAt = t
	return nil
}

func (p *optionsParser) readOrderingKey(value []byte, o *webhook.Options) []webhook.FieldError {
	if isNull(value) {
		return nil
	}
	if o.OrderingKey = textOf(value); !webhook.ValidOrderingKey(o.OrderingKey) {
		return p.fail("/ordering_key", "must be 1 to %d printable characters", webhook.MaxOrderingKey)
	}
	return nil
}

func (p *optionsParser) readWait(value []byte) []webhook.FieldError {
	if !p.alone {
		return p.fail("/wait", "can be given for an event that is published alone, not in a batch")
	}
	if isNull(value) {
		return nil
	}
	const most = int(webhook.MaxWait / time.Second)
	// What begins with a quote or a letter is no number, also where ParseFloat takes it.
	seconds, err := strconv.ParseFloat(string(value), 64)
	if isNumber := value[0] == '-' || value[0] >= '0' && value[0] <= '9'; !isNumber || err != nil || seconds < 0 || seconds > float64(most) {
		return p.fail("/wait", "must be a number of seconds from 0 to %d", most)
	}
	d := time.Duration(seconds * float64(time.Second))
	p.wait = &d
	return nil
}

// together says what can't be asked for at once.
func (p *optionsParser) together(o *webhook.Options) []webhook.FieldError {
	if o.DeliverAt.IsZero() {
		return nil
	}
	var bad []webhook.FieldError
	if o.OrderingKey != "" {
		bad = p.fail("/deliver_at", "can't be given together with ordering_key")
	}
	if p.wait != nil {
		bad = append(bad, p.fail("/wait", "can't be given together with deliver_at")...)
	}
	return bad
}

func (p *optionsParser) fail(at, format string, args ...any) []webhook.FieldError {
	return []webhook.FieldError{{Pointer: p.pointer + at, Detail: fmt.Sprintf(format, args...)}}
}
