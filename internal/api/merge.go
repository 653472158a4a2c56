package api

import (
	"encoding/json"

	"github.com/postrider/postrider/internal/webhook"
)

// merger merges one member of a patch, which may be null, in a manner of its
// own; old is nil when the target has none.
type merger func(old, patch json.RawMessage) (json.RawMessage, *webhook.Error)

// mergePatch applies a merge patch to an object, member by member: a value
// replaces the old one or goes through its merger. RFC 7396 would merge every
// object; what is replaced whole has no merger here. null is left in its place,
// for decode knows what may be null and what each field's default is.
func mergePatch(target, patch []byte, mergers map[string]merger) ([]byte, *webhook.Error) {
	if patch == nil {
		return target, nil
	}
	s := scanner{text: patch}
	if patch = s.value(); !isObject(patch) {
		return nil, invalidField("", "must be an object")
	}
	out := newOrdered(target)
	given := make(map[string]bool)
	for _, m := range members(patch) {
		if given[m.key] {
			return nil, invalidField(child("", m.key), "is given more than once")
		}
		given[m.key] = true
		value := m.value
		if merge := mergers[m.key]; merge != nil {
			var err *webhook.Error
			if value, err = merge(out.get(m.key), value); err != nil {
				return nil, err
			}
		}
		out.set(m.key, value)
	}
	return out.join(), nil
}

// mergeValue is RFC 7396 for any two values, numbers and order kept. It
// recurses: the caller bounds the size.
func mergeValue(target, patch json.RawMessage) json.RawMessage {
	if !isObject(patch) {
		return patch
	}
	if !isObject(target) {
		target = json.RawMessage("{}")
	}
	out := newOrdered(target)
	for _, m := range newOrdered(patch).all { // of a member given twice, the last
		if isNull(m.value) {
			out.set(m.key, nil)
		} else {
			out.set(m.key, mergeValue(out.get(m.key), m.value))
		}
	}
	return out.join()
}

// ordered is an object that keeps its order.
type ordered struct {
	all []member
	at  map[string]int
}

func newOrdered(object []byte) *ordered {
	o := &ordered{at: make(map[string]int)}
	for _, m := range members(object) {
		o.set(m.key, m.value)
	}
	return o
}

func (o *ordered) get(key string) json.RawMessage {
	if i, ok := o.at[key]; ok {
		return o.all[i].value
	}
	return nil
}

// set takes the key away when value is nil.
func (o *ordered) set(key string, value json.RawMessage) {
	if i, ok := o.at[key]; ok {
		o.all[i].value = value
		return
	}
	o.at[key] = len(o.all)
	o.all = append(o.all, member{key, value})
}

func (o *ordered) join() json.RawMessage {
	b := []byte{'{'}
	for _, m := range o.all {
		if m.value == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		key := encodeJSON(m.key)
		b = append(b, key[:len(key)-1]...)
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}
