package webhook

import "time"

// StatsWindow is a time up to now that is counted, in equal parts.
type StatsWindow struct {
	Name         string
	Length, Part time.Duration
}

// StatsWindows lists every window there is, the default second.
func StatsWindows() []StatsWindow {
	return []StatsWindow{
		{"1h", time.Hour, time.Minute},
		{"24h", 24 * time.Hour, time.Hour},
		{"7d", 7 * 24 * time.Hour, 6 * time.Hour},
		{"30d", 30 * 24 * time.Hour, 24 * time.Hour},
	}
}

// Parts are the beginnings of the window's parts, oldest first. The first begins a
// whole window before now or somewhat earlier, the last holds now.
func (w StatsWindow) Parts(now time.Time) []time.Time {
	var parts []time.Time
	for t := now.UTC().Add(-w.Length).Truncate(w.Part); !t.After(now); t = t.Add(w.Part) {
		parts = append(parts, t)
	}
	return parts
}

// StatsPart is what was accepted from Start on, up to the next part.
type StatsPart struct {
	Start time.Time
	// Tally is not to be written to: parts of which nothing is known share one.
	Tally *Tally
}

// Stats counts the deliveries of what was accepted in a window.
type Stats struct {
	Parts []StatsPart
	// AsOf is a time of which everything that had happened is counted.
	AsOf time.Time
}

// Total is all parts together.
func (s *Stats) Total() *Tally {
	total := &Tally{}
	for i := range s.Parts {
		total.Merge(s.Parts[i].Tally)
	}
	return total
}

// StatsMinute is a minute of acceptance, unix time divided by 60, in a workspace.
type StatsMinute struct {
	Workspace WorkspaceID
	Minute    int32
}
