package egress

// route is where a connection leads; requests to one route share connections.
type route struct {
	tls  bool
	name string // the host as the URL spells it, but in ASCII
	port string
}

// idleLinks are connections in two orders at once, both of time: those of a
// route in a stack, and all in a queue. Neither costs an allocation.
type idleLinks struct {
	routes         map[route]stack
	oldest, newest *link
	size           int
}

// stack is the idle connections of a route, the youngest on top.
type stack struct {
	top  *link
	size int
}

func (i *idleLinks) push(l *link) {
	s := i.routes[l.to]
	l.below, l.older = s.top, i.newest
	if s.top != nil {
		s.top.above = l
	}
	if i.newest != nil {
		i.newest.newer = l
	} else {
		i.oldest = l
	}
	s.top, i.newest = l, l
	s.size++
	i.size++
	i.routes[l.to] = s
}

func (i *idleLinks) remove(l *link) {
	s := i.routes[l.to]
	if l.above != nil {
		l.above.below = l.below
	} else {
		s.top = l.below
	}
	if l.below != nil {
		l.below.above = l.above
	}
	if s.size--; s.size == 0 {
		delete(i.routes, l.to)
	} else {
		i.routes[l.to] = s
	}
	i.unqueue(l)
	i.size--
	l.above, l.below, l.newer, l.older = nil, nil, nil, nil
}

func (i *idleLinks) unqueue(l *link) {
	if l.newer != nil {
		l.newer.older = l.older
	} else {
		i.newest = l.older
	}
	if l.older != nil {
		l.older.newer = l.newer
	} else {
		i.oldest = l.newer
	}
}
