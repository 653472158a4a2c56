package console

import (
	"fmt"
	"strings"

	"github.com/postrider/postrider/client"
)

// chart is deliveries over time, ready to be drawn: stacked areas in a box of 0 to
// Width and 0 to Height.
type chart struct {
	Width, Height   int
	Success, Failed string // paths
	Max             int64
	Label           string // what it shows, in words
	Parts           []client.StatsPart
	Bars            []bar
	Empty           bool
}

// bar is one part of a sparkline: the failed on top of the rest.
type bar struct{ X, Y, W, H, FailedY, FailedH string }

func newChart(s *client.Stats, width, height int) *chart {
	c := &chart{Width: width, Height: height, Parts: s.Series, Empty: s.Deliveries.Total == 0}
	for _, p := range s.Series {
		c.Max = max(c.Max, p.Total)
	}
	c.Label = fmt.Sprintf("%s in the %s: %s delivered, %s failed, %s pending.", plural(s.Deliveries.Total, "delivery"),
		spans[s.Window], exact(s.Deliveries.Success), exact(s.Deliveries.Failed), exact(s.Deliveries.Pending))
	if c.Max == 0 || len(s.Series) < 2 {
		return c
	}
	c.areas()
	c.bars()
	return c
}

// Base is where a sparkline stands on.
func (c *chart) Base() int { return c.Height - 1 }

func (c *chart) y(n int64) float64 { return float64(c.Height) * (1 - float64(n)/float64(c.Max)) }

func (c *chart) areas() {
	step := float64(c.Width) / float64(len(c.Parts)-1)
	var total, failed strings.Builder
	fmt.Fprintf(&total, "M0 %d", c.Height)
	fmt.Fprintf(&failed, "M0 %d", c.Height)
	for i, p := range c.Parts {
		fmt.Fprintf(&total, "L%.1f %.1f", float64(i)*step, c.y(p.Total))
		fmt.Fprintf(&failed, "L%.1f %.1f", float64(i)*step, c.y(p.Failed))
	}
	fmt.Fprintf(&total, "L%d %dZ", c.Width, c.Height)
	fmt.Fprintf(&failed, "L%d %dZ", c.Width, c.Height)
	c.Success, c.Failed = total.String(), failed.String()
}

func (c *chart) bars() {
	step := float64(c.Width) / float64(len(c.Parts))
	num := func(f float64) string { return fmt.Sprintf("%.1f", f) }
	for i, p := range c.Parts {
		h, failed := float64(c.Height)-c.y(p.Total), float64(c.Height)-c.y(p.Failed)
		if p.Total > 0 {
			h = max(h, 1.5) // what is little is not nothing
		}
		top := float64(c.Height) - h
		c.Bars = append(c.Bars, bar{num(float64(i) * step), num(top), num(step * 0.72), num(h), num(top), num(failed)})
	}
}
