package match

import "iter"

// Entry is one subscription with what stands for it, usually its endpoint.
type Entry[T any] struct {
	Subscription *Subscription
	Value        T
}

// Index finds, among the subscriptions of one workspace, those that want an
// event, without trying every one. It never changes and may be used by many
// goroutines.
type Index[T any] struct {
	entries []Entry[T]
	// Places in entries: of those that want every type, by prefix ("post."),
	// and by exact type. An entry stands in one of them only for a given type.
	all             []int32
	prefixes, exact map[string][]int32
}

// NewIndex builds an index. It keeps entries, which must not change any more.
func NewIndex[T any](entries []Entry[T]) *Index[T] {
	x := &Index[T]{entries: entries, prefixes: map[string][]int32{}, exact: map[string][]int32{}}
	for i, e := range entries {
		place := int32(i)
		if e.Subscription.types.all {
			x.all = append(x.all, place)
		}
		for _, prefix := range e.Subscription.types.prefixes {
			x.prefixes[prefix] = append(x.prefixes[prefix], place)
		}
		for _, t := range e.Subscription.types.exact {
			x.exact[t] = append(x.exact[t], place)
		}
	}
	return x
}

// Match appends the values of the entries that want the event to dst, each
// entry's at most once: first those that want every type, then by prefix from
// the shortest, then by exact type, and in the order of entries within each.
func (x *Index[T]) Match(dst []T, eventType string, data []byte) []T {
	d := newDocument(data)
	for places := range x.of(eventType) {
		dst = x.appendMatching(dst, places, &d)
	}
	return dst
}

// Most is how many entries can want an event of the type: all whose types it is of,
// whatever their filters say.
func (x *Index[T]) Most(eventType string) (n int) {
	for places := range x.of(eventType) {
		n += len(places)
	}
	return n
}

// of yields the places of those whose types the event's is of, in Match's order.
func (x *Index[T]) of(eventType string) iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		if !yield(x.all) {
			return
		}
		if len(x.prefixes) > 0 {
			for i := range len(eventType) {
				if eventType[i] == '.' && !yield(x.prefixes[eventType[:i+1]]) {
					return
				}
			}
		}
		yield(x.exact[eventType])
	}
}

func (x *Index[T]) appendMatching(dst []T, places []int32, d *document) []T {
	for _, place := range places {
		if e := &x.entries[place]; e.Subscription.filter.holds(d) {
			dst = append(dst, e.Value)
		}
	}
	return dst
}
