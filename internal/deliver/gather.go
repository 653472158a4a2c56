package deliver

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// An outcome waits for others at most for company, counted from when it came, and only
// while there are requests under way and groups have more than few: what a commit costs
// by itself is shared by more then. At fan-out 1 and 8,000 deliveries/s a group has 190
// in place of 36.
const (
	company = 10 * time.Millisecond
	few     = 8
)

// gathered is a group of the recorder's, and what is left for the next one.
type gathered struct {
	group, later []*result
	// seen is what is in the group: a delivery stands in it once, and its second
	// outcome goes into the next.
	seen map[webhook.ID]bool
	// hurried: the next delivery of an ordering key waits for one of the group.
	hurried bool
	window  *time.Timer // runs while company is expected
}

func (g *gathered) add(res *result) {
	id := res.Delivery.DeliveryID
	if g.seen[id] {
		g.later = append(g.later, res)
		return
	}
	g.seen[id] = true
	g.group = append(g.group, res)
	g.hurried = g.hurried || res.Turn != nil
}

func (g *gathered) end() {
	if g.window != nil {
		g.window.Stop()
	}
}

// gather makes the next group of what waits and of what comes in time. It reports
// whether any may come still.
func (r *recorder) gather(g *gathered) (open bool) {
	last, later := len(g.group), g.later
	clear(g.seen)
	*g = gathered{seen: g.seen}
	for _, res := range later {
		g.add(res)
	}
	if len(g.group) == 0 {
		res, open := <-r.in
		if !open {
			return false
		}
		g.add(res)
	}
	defer g.end()
	for len(g.group) < maxGroup {
		res, open := r.another(g, last > few)
		if !open {
			return false
		}
		if res == nil {
			break
		}
		g.add(res)
	}
	return true
}

// another is one that waits or, where company is expected, comes; nil when nobody is
// to be waited for any more.
func (r *recorder) another(g *gathered, expected bool) (res *result, open bool) {
	select {
	case res, open = <-r.in:
		return res, open
	default:
	}
	if !expected || g.hurried || r.underway.Load() == 0 {
		return nil, true
	}
	if g.window == nil {
		g.window = time.NewTimer(company - time.Since(g.group[0].since))
	}
	select {
	case res, open = <-r.in:
		return res, open
	case <-g.window.C:
		return nil, true
	}
}
