package client

// recent remembers the last ids there were.
type recent struct {
	known map[string]struct{}
	ring  []string
	next  int
}

const maxRecent = 8192

// add is false for one that is known.
func (r *recent) add(id string) bool {
	if _, known := r.known[id]; known {
		return false
	}
	if r.known == nil {
		r.known = make(map[string]struct{})
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, id)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % maxRecent
	}
	r.known[id] = struct{}{}
	return true
}
